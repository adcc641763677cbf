/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-copy-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "storage/proof/vb-disk-proof.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-log.h"
#include "storage/layout/vb-manifest.h"
#include "storage/base/vb-run-abandonable.h"

/* Gaps shorter than this are read along: asking twice costs more. Blocks of zeros in them become
 * holes all the same. */
#define GAP_BYTES (32 * 1024)

/* Chunks of the base that are compared with their sums before it is trusted. */
#define SPOT_CHECKS 8

VbDiskCopy *
vb_disk_copy_new (const char *target,
                  const char *socket,
                  const char *export_name,
                  const char *changed_context)
{
  VbDiskCopy *self = g_new0 (VbDiskCopy, 1);
  self->base_image = -1;
  self->base_sums = -1;
  self->target = g_strdup (target);
  self->socket = g_strdup (socket);
  self->export_name = g_strdup (export_name);
  self->changed_context = g_strdup (changed_context);
  self->base_target = g_strdup (target);
  return self;
}

void
vb_disk_copy_free (VbDiskCopy *self)
{
  g_clear_pointer (&self->source, vb_nbd_source_free);
  g_clear_pointer (&self->data, vb_ranges_free);
  g_clear_pointer (&self->zeros, vb_ranges_free);
  g_clear_pointer (&self->image, vb_sparse_file_free);
  g_clear_pointer (&self->sums, vb_sums_unref);
  vb_fd_clear (&self->base_image);
  vb_fd_clear (&self->base_sums);
  g_free (self->target);
  g_free (self->socket);
  g_free (self->export_name);
  g_free (self->changed_context);
  g_free (self->base_target);
  g_clear_pointer (&self->origin, vb_disk_origin_unref);
  g_free (self);
}

void
vb_disk_copy_set_origin (VbDiskCopy *self, VbDiskOrigin *origin, const char *base_target)
{
  self->origin = origin ? vb_disk_origin_ref (origin) : NULL;
  if (base_target)
    {
      g_free (self->base_target);
      self->base_target = g_strdup (base_target);
    }
}

VbDiskOrigin *
vb_disk_copy_get_origin (VbDiskCopy *self)
{
  return self->origin;
}

const char *
vb_disk_copy_get_target (VbDiskCopy *self)
{
  return self->target;
}

guint64
vb_disk_copy_get_virtual_size (VbDiskCopy *self)
{
  return vb_nbd_source_get_size (self->source);
}

guint64
vb_disk_copy_get_size (VbDiskCopy *self)
{
  return self->size;
}

gboolean
vb_disk_copy_is_incremental (VbDiskCopy *self)
{
  return self->incremental;
}

gboolean
vb_disk_copy_connect (VbDiskCopy *self, GCancellable *stop, GError **error)
{
  if (self->source == NULL)
    self->source
        = vb_nbd_source_open (self->socket, self->export_name, self->changed_context, stop, error);
  return self->source != NULL;
}

gboolean
vb_disk_copy_create (VbDiskCopy *self, int folder, GError **error)
{
  guint64 size = vb_nbd_source_get_size (self->source);
  g_autofree char *name = vb_manifest_image_name (self->target);

  self->sums = vb_sums_new (size, error);
  vb_autofd int fd = self->sums ? vb_files_create (folder, name, error) : -1;
  if (fd < 0)
    return FALSE;
  if (ftruncate (fd, (off_t) size) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to create the image of %s", self->target);
      return FALSE;
    }
  self->image = vb_sparse_file_new (g_steal_fd (&fd));
  return TRUE;
}

/* --- what changed --- */

static gboolean
refuse (GError **error, const char *reason)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, reason);
  return FALSE;
}

static gboolean
spot_check (int fd, VbSums *sums)
{
  g_autofree guint8 *buffer = g_malloc (VB_SUMS_CHUNK_BYTES);
  guint64 count = vb_sums_get_count (sums);

  for (guint i = 0; i < SPOT_CHECKS && count > 0; i++)
    {
      guint64 chunk = (guint64) (g_random_double () * (double) count);
      if (!vb_sums_read_chunk (sums, MIN (chunk, count - 1), fd, buffer, NULL))
        return FALSE;
    }
  return TRUE;
}

gboolean
vb_disk_copy_clone (VbDiskCopy *self, int base, GError **error)
{
  struct stat info;
  g_autofree char *image = vb_manifest_image_name (self->base_target);
  g_autofree char *sums_name = vb_manifest_sums_name (self->base_target);

  if (!vb_nbd_source_has_changed (self->source))
    return refuse (error, "There is no bitmap of what has changed");
  g_autoptr (VbSums) sums = vb_sums_load (base, sums_name, error);
  vb_autofd int fd = sums ? vb_files_open (base, image, O_RDONLY, error) : -1;
  if (fd < 0)
    return FALSE;
  if (fstat (fd, &info) != 0 || (guint64) info.st_size != vb_sums_get_size (sums)
      || vb_sums_get_size (sums) != vb_nbd_source_get_size (self->source))
    return refuse (error, "The disk has another size than in the earlier backup");
  if (!spot_check (fd, sums))
    return refuse (error, "The earlier backup is damaged");
  if (!vb_sparse_file_clone (fd, vb_sparse_file_get_fd (self->image)))
    {
      vb_error_set_errno (error, errno, "Failed to clone the earlier backup");
      return FALSE;
    }
  vb_sparse_file_take_little (vb_sparse_file_get_fd (self->image));

  vb_sums_unref (self->sums);
  self->sums = g_steal_pointer (&sums);
  self->base_image = g_steal_fd (&fd);
  self->base_sums = vb_files_open (base, sums_name, O_RDONLY, NULL);
  self->incremental = TRUE;
  return TRUE;
}

/* --- copying --- */

static gboolean
scan_all (VbDiskCopy *self, GCancellable *stop, GError **error)
{
  g_autoptr (VbRanges) data = vb_nbd_source_scan_data (self->source, NULL, stop, error);
  if (data == NULL)
    return FALSE;
  g_clear_pointer (&self->zeros, vb_ranges_free);
  g_clear_pointer (&self->data, vb_ranges_free);
  self->data = vb_ranges_close_gaps (data, GAP_BYTES);
  return TRUE;
}

/* Forgets the base: the image is one hole again. */
static gboolean
empty_image (VbDiskCopy *self, GError **error)
{
  int fd = vb_sparse_file_get_fd (self->image);
  guint64 size = vb_sums_get_size (self->sums);

  if (ftruncate (fd, 0) != 0 || ftruncate (fd, (off_t) size) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to empty the image of %s", self->target);
      return FALSE;
    }
  g_clear_pointer (&self->sums, vb_sums_unref);
  vb_fd_clear (&self->base_image);
  vb_fd_clear (&self->base_sums);
  self->sums = vb_sums_new (size, error);
  self->incremental = FALSE;
  self->first_chunk = 0;
  return self->sums != NULL;
}

/* Returns FALSE with an error, or without one when the base was given up. */
static gboolean
prove (VbDiskCopy *self, const VbRanges *changed, GCancellable *stop, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (vb_disk_proof_run (self->source, self->sums, changed, stop, &local))
    return TRUE;
  if (!g_error_matches (local, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  vb_log_warning (NULL, NULL, NULL, "Reading all of %s: %s", self->target, local->message);
  if (vb_disk_copy_end_marks (self, self->folder, error) && empty_image (self, error))
    vb_disk_copy_begin_marks (self, self->folder, error);
  return FALSE;
}

static gboolean
scan_changed (VbDiskCopy *self, GCancellable *stop, GError **error)
{
  g_autoptr (VbRanges) changed = vb_nbd_source_scan_changed (self->source, stop, error);
  g_autoptr (GError) local = NULL;

  if (changed == NULL)
    return FALSE;
  if (!prove (self, changed, stop, &local))
    {
      if (local == NULL)
        return scan_all (self, stop, error);
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  self->data = vb_nbd_source_scan_data (self->source, changed, stop, error);
  if (self->data == NULL)
    return FALSE;
  self->zeros = vb_ranges_subtract (changed, self->data);
  return TRUE;
}

static void
leave_out (VbRanges **ranges, const VbRanges *what)
{
  if (*ranges == NULL)
    return;
  VbRanges *rest = vb_ranges_subtract (*ranges, what);
  vb_ranges_free (*ranges);
  *ranges = rest;
}

gboolean
vb_disk_copy_scan (VbDiskCopy *self, int folder, GCancellable *stop, GError **error)
{
  self->folder = folder;
  if (!(self->incremental ? scan_changed (self, stop, error) : scan_all (self, stop, error)))
    return FALSE;

  guint64 all = vb_ranges_get_total (self->data);
  g_autoptr (VbRanges) copied = vb_ranges_new ();
  vb_ranges_add (copied, 0, self->first_chunk * VB_SUMS_CHUNK_BYTES);
  leave_out (&self->data, copied);
  leave_out (&self->zeros, copied);
  self->done = all - vb_ranges_get_total (self->data);
  return TRUE;
}

guint64
vb_disk_copy_get_done (VbDiskCopy *self)
{
  return self->done;
}

guint64
vb_disk_copy_get_todo (VbDiskCopy *self)
{
  return vb_ranges_get_total (self->data);
}

static gboolean
copy (VbDiskCopy *self,
      VbCopyStep step,
      gpointer step_data,
      VbTransfer *transfer,
      GCancellable *stop,
      GError **error)
{
  if (!vb_nbd_source_widen (self->source, stop, error))
    return FALSE;
  VbCopyPlan plan
      = { self->data, self->zeros, self->base_image, self->first_chunk, vb_disk_copy_mark, self };
  return vb_copier_copy (self->source, &plan, self->image, self->sums, step, step_data, transfer,
                         stop, &self->size, error);
}

/* The base has turned out to be damaged. The server holds the same point in time for a new
 * connection, but the old one goes only then: qemu-nbd ends with the last. */
static gboolean
begin_anew (VbDiskCopy *self, VbTransfer *transfer, GCancellable *stop, GError **error)
{
  guint64 done, total;

  /* From here on there is nothing to go on with. */
  if (!vb_disk_copy_end_marks (self, self->folder, error)
      || !vb_files_sync (self->folder, "the backup folder", error))
    return FALSE;

  VbNbdSource *source = vb_nbd_source_open (self->socket, self->export_name, NULL, stop, error);
  if (source == NULL)
    return FALSE;
  vb_nbd_source_free (self->source);
  self->source = source;
  if (!empty_image (self, error) || !vb_disk_copy_begin_marks (self, self->folder, error)
      || !scan_all (self, stop, error))
    return FALSE;
  vb_transfer_get (transfer, &done, &total);
  vb_transfer_set_total (transfer, total + vb_disk_copy_get_todo (self));
  return TRUE;
}

/* What a clone holds, or an image that was begun earlier, is not known from what was written to
 * it. */
static gboolean
measure (VbDiskCopy *self, GError **error)
{
  if (!self->incremental && self->first_chunk == 0)
    return TRUE;
  g_autoptr (VbRanges) data = vb_ranges_of_file (vb_sparse_file_get_fd (self->image),
                                                 vb_sums_get_size (self->sums), error);
  if (data == NULL)
    return FALSE;
  self->size = vb_ranges_get_total (data);
  return TRUE;
}

gboolean
vb_disk_copy_run (VbDiskCopy *self,
                  int folder,
                  VbCopyStep step,
                  gpointer step_data,
                  VbTransfer *transfer,
                  GCancellable *stop,
                  GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *sums_name = vb_manifest_sums_name (self->target);

  self->folder = folder;
  if (vb_files_exists (folder, sums_name))
    return measure (self, error); /* it was finished earlier */
  gboolean ok = copy (self, step, step_data, transfer, stop, &local);
  if (!ok && self->incremental && g_error_matches (local, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH))
    {
      vb_log_warning (NULL, NULL, NULL, "Reading all of %s: %s", self->target, local->message);
      g_clear_error (&local);
      ok = begin_anew (self, transfer, stop, &local)
           && copy (self, step, step_data, transfer, stop, &local);
    }
  if (!ok)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      g_prefix_error (error, "Failed to copy %s: ", self->target);
      return FALSE;
    }
  vb_nbd_source_narrow (self->source);
  return vb_sparse_file_sync (self->image, error) && measure (self, error)
         && vb_sums_save_shared (self->sums, self->base_sums, folder, sums_name, error);
}
