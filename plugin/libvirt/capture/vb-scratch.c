/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-scratch.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"
#include "core/base/vb-safe-open.h"

struct _VbScratch
{
  GHashTable *paths;   /* target → file */
  GHashTable *folders; /* set of the folders they lie in */
};

static char *
beside (const VbDomainDisk *disk, const char *operation)
{
  g_autofree char *folder = g_path_get_dirname (disk->path);
  g_autofree char *base = g_path_get_basename (disk->path);
  g_autofree char *name = g_strdup_printf (".%s.vps-backup.%s.scratch", base, operation);

  if (strlen (name) > NAME_MAX)
    {
      g_free (name);
      name = g_strdup_printf (".%s.vps-backup.%s.scratch", disk->target, operation);
    }
  return g_build_filename (folder, name, NULL);
}

static char *
inside (const char *folder, const VbDomainDisk *disk)
{
  g_autofree char *name = g_strdup_printf ("%s.scratch", disk->target);

  return g_build_filename (folder, name, NULL);
}

VbScratch *
vb_scratch_new (VbDomainXml *domain, const char *operation, const char *folder)
{
  VbScratch *self = g_new0 (VbScratch, 1);

  self->paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < domain->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (domain->disks, i);
      char *path;

      if (disk->skipped != NULL || disk->path == NULL || (disk->is_block && folder == NULL))
        continue;
      path = disk->is_block ? inside (folder, disk) : beside (disk, operation);
      g_hash_table_add (self->folders, g_path_get_dirname (path));
      g_hash_table_replace (self->paths, g_strdup (disk->target), path);
    }
  return self;
}

VbScratch *
vb_scratch_new_for_paths (GHashTable *paths)
{
  VbScratch *self = g_new0 (VbScratch, 1);
  GHashTableIter iter;
  gpointer path;

  self->paths = g_hash_table_ref (paths);
  self->folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, paths);
  while (g_hash_table_iter_next (&iter, NULL, &path))
    g_hash_table_add (self->folders, g_path_get_dirname (path));
  return self;
}

void
vb_scratch_free (VbScratch *self)
{
  g_hash_table_unref (self->paths);
  g_hash_table_unref (self->folders);
  g_free (self);
}

GHashTable *
vb_scratch_get_paths (VbScratch *self)
{
  return self->paths;
}

gboolean
vb_scratch_check (VbScratch *self, guint64 reserve_bytes, GError **error)
{
  GHashTableIter iter;
  gpointer folder;

  g_hash_table_iter_init (&iter, self->folders);
  while (g_hash_table_iter_next (&iter, &folder, NULL))
    {
      struct statvfs status;

      if (statvfs (folder, &status) != 0)
        {
          vb_error_set_errno (error, errno, "Failed to ask for the free space in %s",
                              (const char *) folder);
          return FALSE;
        }
      if ((guint64) status.f_bavail * status.f_frsize < reserve_bytes)
        {
          g_set_error (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE,
                       "Less than %" G_GUINT64_FORMAT
                       " bytes are free in %s, beside the VPS's disk",
                       reserve_bytes, (const char *) folder);
          return FALSE;
        }
    }
  return TRUE;
}

/* What they hold already is taken off what they may grow by. */
gboolean
vb_scratch_check_room (VbScratch *self, guint64 most_bytes, guint64 reserve_bytes, GError **error)
{
  GHashTableIter iter;
  gpointer path;
  guint64 held = 0;

  g_hash_table_iter_init (&iter, self->paths);
  while (g_hash_table_iter_next (&iter, NULL, &path))
    {
      GStatBuf status;

      if (g_stat (path, &status) == 0)
        held += (guint64) status.st_blocks * 512;
    }
  return vb_scratch_check (self, reserve_bytes + (most_bytes > held ? most_bytes - held : 0),
                           error);
}

void
vb_scratch_remove (VbScratch *self)
{
  GHashTableIter iter;
  gpointer path;
  gpointer folder;

  g_hash_table_iter_init (&iter, self->paths);
  while (g_hash_table_iter_next (&iter, NULL, &path))
    if (g_unlink (path) != 0 && errno != ENOENT)
      vb_log_warning (NULL, NULL, NULL, "Failed to remove %s: %s", (const char *) path,
                      g_strerror (errno));
  /* Nobody looks for them any more once the journal says that the operation has ended. */
  g_hash_table_iter_init (&iter, self->folders);
  while (g_hash_table_iter_next (&iter, &folder, NULL))
    vb_safe_open_sync_folder (folder);
}
