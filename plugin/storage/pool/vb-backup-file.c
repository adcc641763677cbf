/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-backup-file.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/base/vb-ranges.h"
#include "storage/layout/vb-image-reader.h"
#include "storage/layout/vb-manifest.h"
#include "storage/qcow2/vb-qcow2-view.h"

#define CHUNK VB_SUMS_CHUNK_BYTES
#define NO_CHUNK G_MAXUINT64

struct _VbBackupFile
{
  GObject parent_instance;

  int image;
  VbSums *sums;
  VbQcow2View *view;
  guint64 size_bytes;
  char *tag;

  guint8 *chunk; /* the one that was checked last */
  guint64 chunk_index;
};

static void vb_backup_file_iface_init (VbDiskFileInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbBackupFile,
                               vb_backup_file,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_DISK_FILE, vb_backup_file_iface_init))

/* --- VbDiskFile --- */

static guint64
backup_file_get_size (VbDiskFile *file)
{
  return VB_BACKUP_FILE (file)->size_bytes;
}

static const char *
backup_file_get_tag (VbDiskFile *file)
{
  return VB_BACKUP_FILE (file)->tag;
}

static gboolean
load_chunk (VbBackupFile *self, guint64 index, GError **error)
{
  if (index == self->chunk_index)
    return TRUE;
  self->chunk_index = NO_CHUNK;
  if (!vb_sums_read_chunk (self->sums, index, self->image, self->chunk, error))
    return FALSE;
  self->chunk_index = index;
  return TRUE;
}

/* Behind the end of the disk, in the last cluster, there are zeros. */
static gsize
read_chunk (VbBackupFile *self, guint64 offset, guint8 *buffer, gsize length, GError **error)
{
  guint64 size = vb_sums_get_size (self->sums);

  if (offset >= size)
    {
      memset (buffer, 0, length);
      return length;
    }
  gsize at = offset % CHUNK;
  gsize there = MIN (CHUNK - at, size - offset);
  gsize part = MIN (length, there);
  if (!load_chunk (self, offset / CHUNK, error))
    return 0;
  memcpy (buffer, self->chunk + at, part);
  return part;
}

static gboolean
backup_file_read (VbDiskFile *file, guint64 offset, guint8 *buffer, gsize length, GError **error)
{
  VbBackupFile *self = VB_BACKUP_FILE (file);

  while (length > 0)
    {
      guint64 data;
      gsize part = vb_qcow2_view_read (self->view, offset, buffer, length, &data);
      if (data != G_MAXUINT64)
        part = read_chunk (self, data, buffer, part, error);
      if (part == 0)
        return FALSE;
      offset += part;
      buffer += part;
      length -= part;
    }
  return TRUE;
}

static void
vb_backup_file_iface_init (VbDiskFileInterface *iface)
{
  iface->get_size = backup_file_get_size;
  iface->get_tag = backup_file_get_tag;
  iface->read = backup_file_read;
}

/* --- lifecycle --- */

static void
vb_backup_file_finalize (GObject *object)
{
  VbBackupFile *self = VB_BACKUP_FILE (object);

  vb_fd_clear (&self->image);
  g_clear_pointer (&self->sums, vb_sums_unref);
  g_clear_pointer (&self->view, vb_qcow2_view_free);
  g_free (self->tag);
  g_free (self->chunk);
  G_OBJECT_CLASS (vb_backup_file_parent_class)->finalize (object);
}

static void
vb_backup_file_class_init (VbBackupFileClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_backup_file_finalize;
}

static void
vb_backup_file_init (VbBackupFile *self)
{
  self->image = -1;
  self->chunk_index = NO_CHUNK;
}

/* A chunk whose checksum says that it is zeros is a hole, whatever the file system says. */
static gboolean
add_data (VbBackupFile *self, GError **error)
{
  g_autoptr (VbRanges) data = vb_ranges_of_file (self->image, vb_sums_get_size (self->sums), error);

  if (data == NULL)
    return FALSE;
  for (gsize i = 0; vb_ranges_get (data, i) != NULL; i++)
    {
      const VbRange *range = vb_ranges_get (data, i);
      for (guint64 at = range->start; at < range->end; at = (at / CHUNK + 1) * CHUNK)
        if (!vb_sums_matches_zero (self->sums, at / CHUNK))
          vb_qcow2_view_add (self->view, at, MIN ((at / CHUNK + 1) * CHUNK, range->end) - at);
    }
  return TRUE;
}

/* What the file system calls a hole must be one in the backup. */
static gboolean
check_holes (VbBackupFile *self, GError **error)
{
  g_autoptr (VbRanges) data = vb_ranges_of_file (self->image, vb_sums_get_size (self->sums), error);
  gsize next = 0;

  if (data == NULL)
    return FALSE;
  for (guint64 chunk = 0; chunk < vb_sums_get_count (self->sums); chunk++)
    {
      const VbRange *range;
      while ((range = vb_ranges_get (data, next)) != NULL && range->end <= chunk * CHUNK)
        next++;
      if ((range == NULL || range->start >= (chunk + 1) * CHUNK)
          && !vb_sums_matches_zero (self->sums, chunk))
        {
          g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
                       "MiB %" G_GUINT64_FORMAT " of the backup is damaged", chunk);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
has_disk (const VbManifest *manifest, const char *target, GError **error)
{
  for (guint i = 0; i < manifest->info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (manifest->info->disks, i);
      if (g_str_equal (disk->target, target))
        return TRUE;
    }
  g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND,
               "The backup has no disk “%s”; list the backups to see which there are", target);
  return FALSE;
}

static int
open_image (const VbPoolLayout *layout,
            const char *vps,
            const char *backup,
            const char *target,
            VbSums **sums,
            GError **error)
{
  vb_autofd int root = vb_pool_layout_open (layout, NULL, error);
  vb_autofd int folder = root >= 0 ? vb_pool_layout_open_backup (root, vps, backup, error) : -1;
  g_autoptr (VbManifest) manifest
      = folder >= 0 ? vb_manifest_load (folder, vps, backup, error) : NULL;

  if (manifest == NULL || !has_disk (manifest, target, error))
    return -1;
  return vb_image_reader_open (folder, target, sums, error);
}

VbBackupFile *
vb_backup_file_open (const VbPoolLayout *layout,
                     const char *vps,
                     const char *backup,
                     const char *target,
                     GError **error)
{
  g_autoptr (VbBackupFile) self = g_object_new (VB_TYPE_BACKUP_FILE, NULL);

  self->image = open_image (layout, vps, backup, target, &self->sums, error);
  if (self->image < 0)
    return NULL;
  self->chunk = g_try_malloc (CHUNK);
  if (self->chunk == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to read the backup: out of memory");
      return NULL;
    }
  self->view = vb_qcow2_view_new (vb_sums_get_size (self->sums));
  if (!check_holes (self, error) || !add_data (self, error))
    return NULL;
  self->size_bytes = vb_qcow2_view_freeze (self->view);
  self->tag = g_strdup_printf ("%s-%s-%" G_GUINT64_FORMAT, backup, target, self->size_bytes);
  return g_steal_pointer (&self);
}
