/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target on files, and on all files of folders. */
#include <stdio.h>

#include "fuzz.h"

static int
run_file (const char *file)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (!g_file_get_contents (file, &text, &length, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }

  LLVMFuzzerTestOneInput ((const guint8 *) text, length);
  return 0;
}

static int
run_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  int n = 0, status = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (folder, name, NULL);

      status |= run_file (file);
      n++;
    }

  printf ("%s: %d inputs\n", folder, n);
  return status;
}

int
main (int argc, char **argv)
{
  int status = argc < 2 ? 2 : 0;

  for (int i = 1; i < argc; i++)
    status |= g_file_test (argv[i], G_FILE_TEST_IS_DIR) ? run_folder (argv[i]) : run_file (argv[i]);
  return status;
}
