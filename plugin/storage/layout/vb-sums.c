/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sums.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/base/vb-sparse-file.h"

#define MAGIC "VBSUMS\r\n"
#define VERSION 1
#define HEADER_BYTES 48
#define HASHED_HEADER_BYTES 32

/* Checksums are written in groups of about the size of a file system's block. */
#define GROUP 256

/* 64 TiB: more than any file system of today holds in one file, and 1 GiB of checksums. */
#define MAX_DISK_BYTES (G_GUINT64_CONSTANT (64) << 40)

struct _VbSums
{
  guint64 size;
  guint64 count;
  XXH128_canonical_t zero;      /* of a whole chunk of zeros */
  XXH128_canonical_t zero_last; /* of the last chunk, if it were zeros */
  XXH128_canonical_t *sums;
  guint8 *changed; /* for each group whether any of it was updated */
};

typedef struct
{
  char magic[8];
  guint32 version;
  guint32 chunk_bytes;
  guint64 size;
  guint64 count;
  XXH128_canonical_t own;
} Header;

G_STATIC_ASSERT (sizeof (Header) == HEADER_BYTES);

static XXH128_canonical_t
sum_of (const void *data, gsize length)
{
  XXH128_canonical_t sum;
  XXH128_canonicalFromHash (&sum, XXH3_128bits (data, length));
  return sum;
}

static void
finalize (gpointer data)
{
  VbSums *self = data;
  g_free (self->sums);
  g_free (self->changed);
}

static VbSums *
create (guint64 size, GError **error)
{
  if (size > MAX_DISK_BYTES)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                   "A disk of %" G_GUINT64_FORMAT " bytes is too large", size);
      return NULL;
    }

  VbSums *self = g_atomic_rc_box_new0 (VbSums);
  self->size = size;
  self->count = (size + VB_SUMS_CHUNK_BYTES - 1) / VB_SUMS_CHUNK_BYTES;
  self->sums = g_new (XXH128_canonical_t, self->count);
  self->changed = g_new0 (guint8, self->count / GROUP + 1);

  g_autofree guint8 *zeros = g_malloc0 (VB_SUMS_CHUNK_BYTES);
  self->zero = sum_of (zeros, VB_SUMS_CHUNK_BYTES);
  if (self->count > 0)
    self->zero_last = sum_of (zeros, vb_sums_get_length (self, self->count - 1));
  return self;
}

VbSums *
vb_sums_new (guint64 size_bytes, GError **error)
{
  VbSums *self = create (size_bytes, error);
  for (guint64 i = 0; self != NULL && i < self->count; i++)
    vb_sums_update_zero (self, i);
  return self;
}

VbSums *
vb_sums_ref (VbSums *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
vb_sums_unref (VbSums *self)
{
  g_atomic_rc_box_release_full (self, finalize);
}

static XXH128_canonical_t
own_sum (const Header *header, const VbSums *self, guint64 count)
{
  XXH3_state_t *state = XXH3_createState ();
  XXH128_canonical_t own;

  XXH3_128bits_reset (state);
  XXH3_128bits_update (state, header, HASHED_HEADER_BYTES);
  XXH3_128bits_update (state, self->sums, count * sizeof (XXH128_canonical_t));
  XXH128_canonicalFromHash (&own, XXH3_128bits_digest (state));
  XXH3_freeState (state);
  return own;
}

static gboolean
damaged (const char *name, const char *how, GError **error)
{
  g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH, "The checksum file %s %s", name, how);
  return FALSE;
}

static gboolean
check_header (const Header *header, guint64 file_bytes, const char *name, GError **error)
{
  guint64 size = GUINT64_FROM_LE (header->size), count = GUINT64_FROM_LE (header->count);

  if (memcmp (header->magic, MAGIC, sizeof header->magic) != 0)
    return damaged (name, "is not one", error);
  if (GUINT32_FROM_LE (header->version) != VERSION)
    return damaged (name, "has a version that is not known here", error);
  if (GUINT32_FROM_LE (header->chunk_bytes) != VB_SUMS_CHUNK_BYTES || size > MAX_DISK_BYTES
      || count != (size + VB_SUMS_CHUNK_BYTES - 1) / VB_SUMS_CHUNK_BYTES
      || file_bytes != HEADER_BYTES + count * sizeof (XXH128_canonical_t))
    return damaged (name, "does not agree with itself", error);
  return TRUE;
}

VbSums *
vb_sums_load (int folder, const char *name, GError **error)
{
  Header header;
  struct stat info;

  vb_autofd int fd = vb_files_open (folder, name, O_RDONLY, error);
  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) == 0 && info.st_size < HEADER_BYTES)
    {
      damaged (name, "is too short", error);
      return NULL;
    }
  if (!vb_files_pread (fd, &header, sizeof header, 0))
    {
      vb_error_set_errno (error, errno, "Failed to read %s", name);
      return NULL;
    }
  if (!check_header (&header, (guint64) info.st_size, name, error))
    return NULL;

  g_autoptr (VbSums) self = create (GUINT64_FROM_LE (header.size), error);
  if (self == NULL)
    return NULL;
  if (!vb_files_pread (fd, self->sums, self->count * sizeof (XXH128_canonical_t), HEADER_BYTES))
    {
      vb_error_set_errno (error, errno, "Failed to read %s", name);
      return NULL;
    }
  XXH128_canonical_t own = own_sum (&header, self, self->count);
  if (memcmp (&own, &header.own, sizeof own) != 0)
    {
      damaged (name, "is damaged", error);
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* Of the first @count checksums. */
static Header
make_header (const VbSums *self, guint64 count)
{
  guint64 size = MIN (self->size, count * VB_SUMS_CHUNK_BYTES);
  Header header = { .version = GUINT32_TO_LE (VERSION),
                    .chunk_bytes = GUINT32_TO_LE (VB_SUMS_CHUNK_BYTES),
                    .size = GUINT64_TO_LE (size),
                    .count = GUINT64_TO_LE (count) };
  memcpy (header.magic, MAGIC, sizeof header.magic);
  header.own = own_sum (&header, self, count);
  return header;
}

static gboolean
write_sums (const VbSums *self, int fd, guint64 from, guint64 to)
{
  return vb_files_pwrite (fd, self->sums + from, (to - from) * sizeof (XXH128_canonical_t),
                          HEADER_BYTES + from * sizeof (XXH128_canonical_t));
}

static gboolean
write_changed_sums (const VbSums *self, int fd)
{
  for (guint64 i = 0; i < self->count; i += GROUP)
    if (self->changed[i / GROUP] && !write_sums (self, fd, i, MIN (i + GROUP, self->count)))
      return FALSE;
  return TRUE;
}

gboolean
vb_sums_save_shared (VbSums *self, int base, int folder, const char *name, GError **error)
{
  Header header = make_header (self, self->count);

  vb_autofd int fd = vb_files_create (folder, name, error);
  if (fd < 0)
    return FALSE;
  gboolean shared = base >= 0 && vb_sparse_file_clone (base, fd);
  gboolean ok = shared ? write_changed_sums (self, fd) : write_sums (self, fd, 0, self->count);
  if (!ok || !vb_files_pwrite (fd, &header, sizeof header, 0))
    {
      vb_error_set_errno (error, errno, "Failed to write %s", name);
      return FALSE;
    }
  return vb_files_sync (fd, name, error);
}

gboolean
vb_sums_save (VbSums *self, int folder, const char *name, GError **error)
{
  return vb_sums_save_shared (self, -1, folder, name, error);
}

gboolean
vb_sums_save_part (VbSums *self, guint64 count, int folder, const char *name, GError **error)
{
  Header header = make_header (self, count);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_byte_array_append (bytes, (const guint8 *) &header, sizeof header);
  g_byte_array_append (bytes, (const guint8 *) self->sums,
                       (guint) (count * sizeof (XXH128_canonical_t)));
  return vb_files_replace (folder, name, bytes->data, bytes->len, error);
}

gboolean
vb_sums_take_part (VbSums *self, VbSums *part, GError **error)
{
  if (part->count > self->count || (part->count == self->count && part->size != self->size))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
                           "The checksums belong to another disk");
      return FALSE;
    }
  memcpy (self->sums, part->sums, part->count * sizeof (XXH128_canonical_t));
  memset (self->changed, TRUE, (part->count + GROUP - 1) / GROUP);
  return TRUE;
}

guint64
vb_sums_get_size (VbSums *self)
{
  return self->size;
}

guint64
vb_sums_get_count (VbSums *self)
{
  return self->count;
}

gsize
vb_sums_get_length (VbSums *self, guint64 index)
{
  return (gsize) MIN (VB_SUMS_CHUNK_BYTES, self->size - index * VB_SUMS_CHUNK_BYTES);
}

static const XXH128_canonical_t *
zero_sum (VbSums *self, guint64 index)
{
  return index + 1 == self->count ? &self->zero_last : &self->zero;
}

void
vb_sums_update (VbSums *self, guint64 index, const void *data)
{
  self->sums[index] = sum_of (data, vb_sums_get_length (self, index));
  self->changed[index / GROUP] = TRUE;
}

void
vb_sums_update_zero (VbSums *self, guint64 index)
{
  self->sums[index] = *zero_sum (self, index);
  self->changed[index / GROUP] = TRUE;
}

gboolean
vb_sums_matches (VbSums *self, guint64 index, const void *data)
{
  XXH128_canonical_t sum = sum_of (data, vb_sums_get_length (self, index));
  return memcmp (&sum, &self->sums[index], sizeof sum) == 0;
}

gboolean
vb_sums_read_chunk (VbSums *self, guint64 index, int fd, void *data, GError **error)
{
  if (!vb_files_pread (fd, data, vb_sums_get_length (self, index), index * VB_SUMS_CHUNK_BYTES))
    {
      vb_error_set_errno (error, errno, "Failed to read the earlier backup");
      return FALSE;
    }
  if (vb_sums_matches (self, index, data))
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
               "MiB %" G_GUINT64_FORMAT " of the earlier backup is damaged", index);
  return FALSE;
}

gboolean
vb_sums_matches_zero (VbSums *self, guint64 index)
{
  return memcmp (zero_sum (self, index), &self->sums[index], sizeof (XXH128_canonical_t)) == 0;
}
