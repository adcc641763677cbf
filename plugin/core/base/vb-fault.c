/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Only compiled with -Dfault_points=true. */
#include "vb-fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define HOLD_PAUSE_US (10 * G_TIME_SPAN_MILLISECOND)

/* In one write, so that a process that dies just then leaves whole lines. */
static void
note (const char *name)
{
  const char *path = g_getenv ("VB_FAULT_LOG");
  g_autofree char *line = g_strconcat (name, "\n", NULL);
  int fd = path ? open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  if (fd < 0)
    return;
  if (write (fd, line, strlen (line)) < 0)
    g_printerr ("VB_FAULT_LOG: %s\n", g_strerror (errno));
  close (fd);
}

/* How often this point was reached, this time included. */
static guint
count (const char *name)
{
  static GMutex mutex;
  static GHashTable *counts;

  g_mutex_lock (&mutex);
  if (counts == NULL)
    counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, name)) + 1;
  g_hash_table_insert (counts, g_strdup (name), GUINT_TO_POINTER (n));
  g_mutex_unlock (&mutex);
  return n;
}

static GStrv
read_wishes (void)
{
  const char *text = g_getenv ("VB_FAULT");
  g_autofree char *content = NULL;

  if (text != NULL && text[0] == '@')
    text = g_file_get_contents (text + 1, &content, NULL, NULL) ? g_strchomp (content) : "";
  return g_strsplit (text ? text : "", ",", -1);
}

static void
obey (const char *action)
{
  if (g_str_equal (action, "kill"))
    kill (getpid (), SIGKILL);
  const char *path = g_getenv ("VB_FAULT_HOLD");
  while (path != NULL && access (path, F_OK) == 0)
    g_usleep (HOLD_PAUSE_US);
}

void
vb_fault_reach (const char *when, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *base = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *name = when ? g_strconcat (base, ".", when, NULL) : g_strdup (base);
  g_autofree char *numbered = g_strdup_printf ("%s#%u", name, count (name));
  int saved = errno;
  g_auto (GStrv) wishes = read_wishes ();

  note (name);
  for (guint i = 0; wishes[i] != NULL; i++)
    {
      char *action = strrchr (wishes[i], ':');
      if (action == NULL)
        continue;
      *action++ = '\0';
      g_autofree char *wanted
          = strchr (wishes[i], '#') ? g_strdup (wishes[i]) : g_strconcat (wishes[i], "#1", NULL);
      if (g_str_equal (wanted, numbered))
        obey (action);
    }
  errno = saved;
}
