/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-host-module.h"

#include <errno.h>
#include <gmodule.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "vps-backup.so"

G_GNUC_PRINTF (3, 4)
static gboolean
refuse (const char *path, GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "Not loading the module %s: %s",
               path, text);
  return FALSE;
}

char *
vb_host_module_find (const char *folder)
{
  g_autofree char *executable = g_file_read_link ("/proc/self/exe", NULL);

  if (executable != NULL)
    {
      g_autofree char *beside = g_path_get_dirname (executable);
      g_autofree char *path = g_build_filename (beside, FILE_NAME, NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  return g_build_filename (folder, FILE_NAME, NULL);
}

static gboolean
check_file (const char *path, GError **error)
{
  struct stat st;

  if (lstat (path, &st) < 0)
    return refuse (path, error, "%s", g_strerror (errno));
  if (!S_ISREG (st.st_mode) || !g_str_has_suffix (path, ".so"))
    return refuse (path, error, "it is not a regular file that ends in .so");
  if (st.st_uid != 0 && st.st_uid != geteuid ())
    return refuse (path, error, "it belongs to uid %u and has to belong to root", st.st_uid);
  if (st.st_mode & (S_IWGRP | S_IWOTH))
    return refuse (path, error, "others may write to it; run: chmod go-w %s", path);
  return TRUE;
}

static gboolean
check_folders (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  while (TRUE)
    {
      struct stat st;

      if (lstat (folder, &st) < 0)
        return refuse (path, error, "%s: %s", folder, g_strerror (errno));
      if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
        return refuse (path, error, "everybody may write to the folder %s", folder);
      if (g_str_equal (folder, "/"))
        return TRUE;

      g_autofree char *below = g_steal_pointer (&folder);
      folder = g_path_get_dirname (below);
    }
}

static const VpsBackupModule *
look_up (GModule *library, GError **error)
{
  gpointer symbol = NULL;

  g_module_symbol (library, VPS_BACKUP_MODULE_SYMBOL, &symbol);
  return vps_backup_module_check (symbol, error) ? symbol : NULL;
}

const VpsBackupModule *
vb_host_module_load (const char *path, GError **error)
{
  g_autofree char *real = realpath (path, NULL);
  GModule *library;
  const VpsBackupModule *module;

  if (real == NULL)
    {
      refuse (path, error, "%s", g_strerror (errno));
      return NULL;
    }
  if (!check_file (real, error) || !check_folders (real, error)
      || !vps_backup_module_check_process (error))
    return NULL;

  library = g_module_open (real, G_MODULE_BIND_LOCAL);
  if (library == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Failed to load the module: %s",
                   g_module_error ());
      return NULL;
    }
  module = look_up (library, error);
  if (module == NULL)
    {
      g_prefix_error (error, "Failed to load the module %s: ", real);
      g_module_close (library);
      return NULL;
    }
  /* Its GTypes cannot be taken back. */
  g_module_make_resident (library);
  return module;
}
