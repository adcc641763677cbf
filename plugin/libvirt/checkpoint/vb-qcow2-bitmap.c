/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-qcow2-bitmap.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-safe-open.h"

#define EXTENSION_BITMAPS 0x23852875
#define AUTOCLEAR_BITMAPS (1u << 0)
#define FLAG_IN_USE (1u << 0)
#define FLAG_AUTO (1u << 1)
#define TYPE_DIRTY 1

#define HEADER_BYTES 112
#define ENTRY_BYTES 24
#define OFFSET_MASK G_GUINT64_CONSTANT (0x00fffffffffffe00)

/* QEMU's own limits: more is damage. */
#define MAX_DIRECTORY_BYTES (65535 * 1024)
#define MAX_TABLE_ENTRIES (1u << 27)

typedef struct
{
  int fd;
  guint64 file_bytes;
  guint cluster_bits;
  guint64 virtual_size;
  guint64 directory_offset;
  guint64 directory_bytes;
} Image;

typedef struct
{
  guint64 table_offset;
  guint32 table_entries;
  guint granularity_bits;
} Bitmap;

static guint32
get32 (const guint8 *data)
{
  guint32 value;

  memcpy (&value, data, sizeof value);
  return GUINT32_FROM_BE (value);
}

static guint64
get64 (const guint8 *data)
{
  guint64 value;

  memcpy (&value, data, sizeof value);
  return GUINT64_FROM_BE (value);
}

static gboolean
read_at (const Image *image, guint64 offset, gpointer data, gsize bytes)
{
  return offset <= G_MAXINT64 && pread (image->fd, data, bytes, (off_t) offset) == (gssize) bytes;
}

/* Walks the header's extensions until the one that says where the bitmaps are. */
static gboolean
find_directory (Image *image, guint64 offset)
{
  while (offset < 1u << image->cluster_bits)
    {
      guint8 extension[8];
      guint8 content[24];

      if (!read_at (image, offset, extension, sizeof extension) || get32 (extension) == 0)
        return FALSE;
      if (get32 (extension) == EXTENSION_BITMAPS && get32 (extension + 4) == sizeof content)
        {
          if (!read_at (image, offset + sizeof extension, content, sizeof content))
            return FALSE;
          image->directory_bytes = get64 (content + 8);
          image->directory_offset = get64 (content + 16);
          return image->directory_bytes <= MIN (MAX_DIRECTORY_BYTES, image->file_bytes);
        }
      offset += sizeof extension + ((guint64) get32 (extension + 4) + 7) / 8 * 8;
    }
  return FALSE;
}

static gboolean
open_directory (Image *image)
{
  guint8 header[HEADER_BYTES];

  if (!read_at (image, 0, header, 104) || memcmp (header, "QFI\xfb", 4) != 0
      || get32 (header + 4) < 3)
    return FALSE;
  image->cluster_bits = get32 (header + 20);
  image->virtual_size = get64 (header + 24);
  /* A writer that does not know bitmaps clears this bit. */
  if (image->cluster_bits < 9 || image->cluster_bits > 21
      || (get64 (header + 88) & AUTOCLEAR_BITMAPS) == 0)
    return FALSE;
  return find_directory (image, get32 (header + 100));
}

static gboolean
read_entry (const guint8 *entry, Bitmap *bitmap)
{
  guint32 flags = get32 (entry + 12);

  bitmap->table_offset = get64 (entry);
  bitmap->table_entries = get32 (entry + 8);
  bitmap->granularity_bits = entry[17];
  return (flags & FLAG_AUTO) != 0 && (flags & FLAG_IN_USE) == 0 && entry[16] == TYPE_DIRTY
         && bitmap->granularity_bits >= 9 && bitmap->granularity_bits <= 31
         && bitmap->table_entries <= MAX_TABLE_ENTRIES;
}

static gboolean
find_bitmap (const Image *image, const char *name, Bitmap *bitmap)
{
  g_autofree guint8 *directory = g_malloc (image->directory_bytes);
  guint64 at = 0;

  if (!read_at (image, image->directory_offset, directory, image->directory_bytes))
    return FALSE;
  while (image->directory_bytes - at >= ENTRY_BYTES)
    {
      const guint8 *entry = directory + at;
      guint64 name_bytes = (guint64) entry[18] << 8 | entry[19];
      guint64 before_name = ENTRY_BYTES + (guint64) get32 (entry + 20);
      guint64 whole = (before_name + name_bytes + 7) / 8 * 8;

      if (whole > image->directory_bytes - at)
        return FALSE;
      if (name_bytes == strlen (name) && memcmp (entry + before_name, name, name_bytes) == 0)
        return read_entry (entry, bitmap);
      at += whole;
    }
  return FALSE;
}

static void
add_names (const Image *image, GStrvBuilder *names)
{
  g_autofree guint8 *directory = g_malloc (image->directory_bytes);
  guint64 at = 0;

  if (!read_at (image, image->directory_offset, directory, image->directory_bytes))
    return;
  while (image->directory_bytes - at >= ENTRY_BYTES)
    {
      const guint8 *entry = directory + at;
      guint64 name_bytes = (guint64) entry[18] << 8 | entry[19];
      guint64 before_name = ENTRY_BYTES + (guint64) get32 (entry + 20);
      guint64 whole = (before_name + name_bytes + 7) / 8 * 8;
      g_autofree char *name = NULL;

      if (whole > image->directory_bytes - at)
        return;
      name = g_strndup ((const char *) entry + before_name, name_bytes);
      g_strv_builder_add (names, name);
      at += whole;
    }
}

char **
vb_qcow2_bitmap_names (const char *path)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  Image image = { .fd = vb_safe_open_resolved (path, O_RDONLY) };

  if (image.fd >= 0)
    {
      image.file_bytes = (guint64) MAX (lseek (image.fd, 0, SEEK_END), 0);
      if (open_directory (&image))
        add_names (&image, names);
      close (image.fd);
    }
  return g_strv_builder_end (names);
}

static guint64
count_bits (const guint8 *data, gsize bytes)
{
  guint64 count = 0;

  for (gsize i = 0; i < bytes; i += 8)
    count += (guint64) __builtin_popcountll (get64 (data + i));
  return count;
}

/* Returns the set bits, or -1 when the file does not hold what it says. */
static gint64
count_bitmap (const Image *image, const Bitmap *bitmap)
{
  gsize table_bytes = (gsize) bitmap->table_entries * 8;
  gsize cluster_bytes = (gsize) 1 << image->cluster_bits;
  g_autofree guint8 *table = NULL;
  g_autofree guint8 *cluster = NULL;
  guint64 count = 0;

  if (table_bytes > image->file_bytes)
    return -1;
  table = g_malloc (table_bytes);
  cluster = g_malloc (cluster_bytes);
  if (!read_at (image, bitmap->table_offset, table, table_bytes))
    return -1;
  for (gsize at = 0; at < table_bytes; at += 8)
    {
      guint64 entry = get64 (table + at);

      if ((entry & OFFSET_MASK) == 0)
        {
          count += (entry & 1) != 0 ? cluster_bytes * 8 : 0;
          continue;
        }
      if (!read_at (image, entry & OFFSET_MASK, cluster, cluster_bytes))
        return -1;
      count += count_bits (cluster, cluster_bytes);
    }
  return (gint64) count;
}

gboolean
vb_qcow2_bitmap_count (const char *path, const char *name, guint64 *bytes, GError **error)
{
  Image image = { .fd = vb_safe_open_resolved (path, O_RDONLY) };
  Bitmap bitmap;
  gint64 count = -1;

  if (image.fd < 0)
    {
      vb_error_set_errno (error, errno, "Failed to open the image of a disk");
      return FALSE;
    }
  image.file_bytes = (guint64) MAX (lseek (image.fd, 0, SEEK_END), 0);
  if (open_directory (&image) && find_bitmap (&image, name, &bitmap))
    count = count_bitmap (&image, &bitmap);
  close (image.fd);
  if (count < 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "There is no whole bitmap %s", name);
      return FALSE;
    }
  /* The last bit may stand for less. */
  *bytes = (guint64) count > image.virtual_size >> bitmap.granularity_bits
               ? image.virtual_size
               : (guint64) count << bitmap.granularity_bits;
  return TRUE;
}
