/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sparse-file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "core/base/vb-error.h"
#include "vb-files.h"

/* What direct writes are aligned to: a page, and the sector of every disk of today. */
#define ALIGNMENT 4096

/* Without direct writes: how much is written before it is sent off. */
#define FLUSH_BYTES (16 * 1024 * 1024)

/* What a disk's bitmap of changes counts in, by default. */
#define SHARED_WRITE_BYTES (64 * 1024)

#define ZEROS_BYTES (1024 * 1024)

struct _VbSparseFile
{
  int fd;
  gboolean is_borrowed;
  int direct_fd;  /* -1 where the file system cannot */
  gint mebibytes; /* atomic; written through the page cache */
};

static VbSparseFile *
new_with_access (int fd, int access)
{
  VbSparseFile *self = g_new0 (VbSparseFile, 1);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  self->fd = fd;
  self->direct_fd = open (path, access | O_DIRECT | O_CLOEXEC);
  return self;
}

VbSparseFile *
vb_sparse_file_new (int fd)
{
  return new_with_access (fd, O_WRONLY);
}

VbSparseFile *
vb_sparse_file_new_for_reading (int fd)
{
  VbSparseFile *self = new_with_access (fd, O_RDONLY);
  self->is_borrowed = TRUE;
  (void) posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return self;
}

void
vb_sparse_file_free (VbSparseFile *self)
{
  vb_fd_clear (&self->direct_fd);
  if (!self->is_borrowed)
    vb_fd_clear (&self->fd);
  g_free (self);
}

int
vb_sparse_file_get_fd (VbSparseFile *self)
{
  return self->fd;
}

void *
vb_sparse_file_alloc (gsize length, GError **error)
{
  void *memory = NULL;
  int failure = posix_memalign (&memory, ALIGNMENT, length);

  if (failure == 0)
    return memory;
  vb_error_set_errno (error, failure, "Failed to allocate %" G_GSIZE_FORMAT " bytes", length);
  return NULL;
}

static gboolean
can_be_direct (VbSparseFile *self, const void *data, gsize length, guint64 offset)
{
  return self->direct_fd >= 0 && (((guintptr) data | length | offset) % ALIGNMENT) == 0;
}

gboolean
vb_sparse_file_read (VbSparseFile *self, void *data, gsize length, guint64 offset)
{
  if (can_be_direct (self, data, length, offset))
    {
      if (vb_files_pread (self->direct_fd, data, length, offset))
        return TRUE;
      if (errno != EINVAL)
        return FALSE;
    }
  return vb_files_pread (self->fd, data, length, offset);
}

gboolean
vb_sparse_file_write_all (VbSparseFile *self, const void *data, gsize length, guint64 offset)
{
  if (can_be_direct (self, data, length, offset))
    {
      if (vb_files_pwrite (self->direct_fd, data, length, offset))
        return TRUE;
      if (errno != EINVAL)
        return FALSE;
    }
  if (!vb_files_pwrite (self->fd, data, length, offset))
    return FALSE;

  /* Writers that leave it all to the kernel are stopped for seconds once too much is dirty, and the
   * sync at the end has everything left to do. A hint only; parts are not written in order, so look
   * back far. */
  gint before = g_atomic_int_add (&self->mebibytes, (gint) (length >> 20));
  if (((before + (gint) (length >> 20)) >> 4) != before >> 4)
    {
      guint64 start = offset + length > 2 * FLUSH_BYTES ? offset + length - 2 * FLUSH_BYTES : 0;
      (void) sync_file_range (self->fd, (off_t) start, 2 * FLUSH_BYTES, SYNC_FILE_RANGE_WRITE);
    }
  return TRUE;
}

/* The length of the first stretch that is all zeros or has no block of zeros; blocks begin at
 * multiples of their size. */
static gsize
next_stretch (const guint8 *data, gsize length, guint64 offset, gboolean *zero)
{
  gsize done = 0;

  while (done < length)
    {
      gsize block = VB_SPARSE_BLOCK_BYTES - (gsize) ((offset + done) % VB_SPARSE_BLOCK_BYTES);
      block = MIN (block, length - done);
      gboolean block_zero = vb_files_is_zero (data + done, block);
      if (done > 0 && block_zero != *zero)
        break;
      *zero = block_zero;
      done += block;
    }
  return done;
}

gssize
vb_sparse_file_write (VbSparseFile *self,
                      const void *data,
                      gsize length,
                      guint64 offset,
                      gboolean over_data,
                      GError **error)
{
  const guint8 *from = data;
  gssize written = 0;

  while (length > 0)
    {
      gboolean zero = FALSE;
      gsize stretch = next_stretch (from, length, offset, &zero);

      if (!zero && !vb_sparse_file_write_all (self, from, stretch, offset))
        {
          vb_error_set_errno (error, errno, "Failed to write an image");
          return -1;
        }
      if (zero && over_data && !vb_sparse_file_punch (self, offset, stretch, error))
        return -1;
      if (!zero)
        written += (gssize) stretch;
      from += stretch;
      offset += stretch;
      length -= stretch;
    }
  return written;
}

static gboolean
write_zeros (VbSparseFile *self, guint64 offset, guint64 length)
{
  g_autofree guint8 *zeros = g_malloc0 (ZEROS_BYTES);

  while (length > 0)
    {
      gsize n = (gsize) MIN (length, ZEROS_BYTES);
      if (!vb_files_pwrite (self->fd, zeros, n, offset))
        return FALSE;
      offset += n;
      length -= n;
    }
  return TRUE;
}

gboolean
vb_sparse_file_punch (VbSparseFile *self, guint64 offset, guint64 length, GError **error)
{
  /* Block devices, too, have holes and zeros of their own making, but not every one has, and not at
   * every offset. */
  if (length == 0
      || fallocate (self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) offset,
                    (off_t) length)
             == 0)
    return TRUE;
  if ((errno == EOPNOTSUPP || errno == EINVAL || errno == ENODEV)
      && (fallocate (self->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t) offset,
                     (off_t) length)
              == 0
          || write_zeros (self, offset, length)))
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to punch a hole into an image");
  return FALSE;
}

gboolean
vb_sparse_file_sync (VbSparseFile *self, GError **error)
{
  return vb_files_sync (self->fd, "an image", error);
}

gboolean
vb_sparse_file_clone (int from, int to)
{
  return ioctl (to, FICLONE, from) == 0;
}

gboolean
vb_sparse_file_clone_rest (int from, int to, guint64 offset)
{
  struct file_clone_range range = { .src_fd = from, .src_offset = offset, .dest_offset = offset };
  return ioctl (to, FICLONERANGE, &range) == 0;
}

void
vb_sparse_file_take_little (int fd)
{
  struct fsxattr attributes;

  if (ioctl (fd, FS_IOC_FSGETXATTR, &attributes) != 0)
    return;
  attributes.fsx_xflags |= FS_XFLAG_COWEXTSIZE;
  attributes.fsx_cowextsize = SHARED_WRITE_BYTES;
  (void) ioctl (fd, FS_IOC_FSSETXATTR, &attributes); /* most file systems have no such thing */
}

/* A file without a name where the file system can, else one that loses its name at once. */
static int
open_nameless (int folder)
{
  int fd = openat (folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    return fd;

  g_autofree char *unique = g_uuid_string_random ();
  g_autofree char *name = g_strdup_printf (".probe.%s", unique);
  fd = vb_files_create (folder, name, NULL);
  unlinkat (folder, name, 0);
  return fd;
}

gboolean
vb_sparse_file_can_clone (int folder)
{
  static const char block[4096] = "probe";

  vb_autofd int from = open_nameless (folder);
  vb_autofd int to = open_nameless (folder);
  return from >= 0 && to >= 0 && vb_files_pwrite (from, block, sizeof block, 0)
         && vb_sparse_file_clone (from, to);
}
