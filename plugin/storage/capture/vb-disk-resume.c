/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far the copy of a disk has got, and how one that was interrupted is taken up. */
#include "vb-disk-copy-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-manifest.h"

/* While an image is being written, this file beside it holds the checksums of what is durable of
 * it: how far the copy has got. The name tells whether the rest is to be as in the base. */
#define MARK_SUFFIX ".mark"
#define DELTA_MARK_SUFFIX ".delta-mark"

static char *
mark_name (VbDiskCopy *self, gboolean incremental)
{
  return g_strconcat (self->target, incremental ? DELTA_MARK_SUFFIX : MARK_SUFFIX, NULL);
}

/* Not synced: it promises nothing yet. */
gboolean
vb_disk_copy_begin_marks (VbDiskCopy *self, int folder, GError **error)
{
  g_autofree char *name = mark_name (self, self->incremental);
  if (vb_files_exists (folder, name))
    return TRUE;
  vb_autofd int fd = vb_files_create (folder, name, error);
  return fd >= 0;
}

gboolean
vb_disk_copy_end_marks (VbDiskCopy *self, int folder, GError **error)
{
  g_autofree char *full = mark_name (self, FALSE);
  g_autofree char *delta = mark_name (self, TRUE);
  return vb_files_remove (folder, full, error) && vb_files_remove (folder, delta, error);
}

gboolean
vb_disk_copy_mark (gpointer data, guint64 chunks, GError **error)
{
  VbDiskCopy *self = data;
  g_autofree char *name = mark_name (self, self->incremental);
  return VB_FAULT_AROUND (vb_sparse_file_sync (self->image, error)
                              && vb_sums_save_part (self->sums, chunks, self->folder, name, error),
                          "capture.mark");
}

/* The checksums of what is whole: of the finished disk, or as far as it was marked. */
static VbSums *
load_part (VbDiskCopy *self, int folder, GError **error)
{
  g_autofree char *sums_name = vb_manifest_sums_name (self->target);
  g_autofree char *name = mark_name (self, self->incremental);

  g_autoptr (VbSums) whole = vb_sums_load (folder, sums_name, NULL);
  if (whole && vb_sums_get_size (whole) == vb_nbd_source_get_size (self->source))
    return g_steal_pointer (&whole);
  return vb_files_remove (folder, sums_name, error) ? vb_sums_load (folder, name, error) : NULL;
}

/* Makes the part of the image that is not whole what it was in the beginning: a hole, or as in the
 * base. */
static gboolean
reset_rest (VbDiskCopy *self, GError **error)
{
  int fd = vb_sparse_file_get_fd (self->image);
  guint64 size = vb_sums_get_size (self->sums);
  guint64 from = MIN (size, self->first_chunk * VB_SUMS_CHUNK_BYTES);
  gboolean ok = TRUE;

  if (self->incremental && from < size)
    ok = vb_sparse_file_clone_rest (self->base_image, fd, from);
  else if (!self->incremental)
    ok = ftruncate (fd, (off_t) from) == 0 && ftruncate (fd, (off_t) size) == 0;
  if (!ok)
    vb_error_set_errno (error, errno, "Failed to reuse the image of %s", self->target);
  return ok;
}

static gboolean
refuse (GError **error, const char *reason)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, reason);
  return FALSE;
}

/* Opens the image and the checksums that it began with. */
static gboolean
reopen (VbDiskCopy *self, int folder, int base, GError **error)
{
  struct stat info;
  guint64 size = vb_nbd_source_get_size (self->source);
  g_autofree char *image = vb_manifest_image_name (self->target);
  g_autofree char *sums_name = vb_manifest_sums_name (self->base_target);

  vb_autofd int fd = vb_files_open (folder, image, O_RDWR, error);
  if (fd < 0)
    return FALSE;
  if (fstat (fd, &info) != 0 || (guint64) info.st_size != size)
    return refuse (error, "The image has another size than the disk");
  self->sums
      = self->incremental ? vb_sums_load (base, sums_name, error) : vb_sums_new (size, error);
  if (self->sums == NULL)
    return FALSE;
  if (vb_sums_get_size (self->sums) != size)
    return refuse (error, "The disk has another size than in the earlier backup");
  if (self->incremental)
    self->base_sums = vb_files_open (base, sums_name, O_RDONLY, NULL);
  self->image = vb_sparse_file_new (g_steal_fd (&fd));
  return TRUE;
}

static gboolean
take_up (VbDiskCopy *self, int folder, int base, GError **error)
{
  g_autofree char *image = vb_manifest_image_name (self->base_target);
  g_autofree char *delta = mark_name (self, TRUE);

  self->incremental = vb_files_exists (folder, delta);
  if (self->incremental && !vb_nbd_source_has_changed (self->source))
    return refuse (error, "There is no bitmap of what has changed");
  if (self->incremental && base >= 0)
    self->base_image = vb_files_open (base, image, O_RDONLY, error);
  if (self->incremental && self->base_image < 0)
    return base >= 0 ? FALSE : refuse (error, "The earlier backup is gone");
  g_autoptr (VbSums) part = load_part (self, folder, error);
  if (part == NULL || !reopen (self, folder, base, error)
      || !vb_sums_take_part (self->sums, part, error))
    return FALSE;
  self->first_chunk = vb_sums_get_count (part);
  return reset_rest (self, error);
}

gboolean
vb_disk_copy_resume (VbDiskCopy *self, int folder, int base, GError **error)
{
  g_autofree char *image = vb_manifest_image_name (self->target);
  g_autofree char *sums_name = vb_manifest_sums_name (self->target);

  if (take_up (self, folder, base, error))
    return TRUE;
  g_clear_pointer (&self->image, vb_sparse_file_free);
  g_clear_pointer (&self->sums, vb_sums_unref);
  vb_fd_clear (&self->base_image);
  vb_fd_clear (&self->base_sums);
  self->incremental = FALSE;
  self->first_chunk = 0;
  vb_files_remove (folder, image, NULL);
  vb_files_remove (folder, sums_name, NULL);
  vb_disk_copy_end_marks (self, folder, NULL);
  return FALSE;
}
