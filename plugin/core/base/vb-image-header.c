/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See docs/interop/qcow2.txt of QEMU for the format; all integers are big-endian. */
#include "vb-image-header.h"

#include <string.h>
#include <unistd.h>

#include "vb-error.h"
#include "vb-i18n.h"

#define MAGIC "QFI\xfb"
#define V2_BYTES 72
#define V3_BYTES 104
#define AT_VERSION 4
#define AT_BACKING_OFFSET 8
#define AT_BACKING_BYTES 16
#define AT_N_SNAPSHOTS 60
#define AT_INCOMPATIBLE 72
#define AT_HEADER_LENGTH 100
#define INCOMPATIBLE_DATA_FILE (1u << 2)
#define EXTENSION_BACKING_FORMAT 0xe2792aca

/* QEMU's own limits. */
#define MAX_BACKING_BYTES 1023
#define MAX_FORMAT_BYTES 15
#define MAX_EXTENSIONS 64

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
read_at (int fd, guint64 offset, gpointer data, gsize bytes)
{
  return offset <= G_MAXINT64 && pread (fd, data, bytes, (off_t) offset) == (gssize) bytes;
}

static char *
read_text (int fd, guint64 offset, gsize bytes)
{
  g_autofree char *text = g_malloc0 (bytes + 1);

  if (!read_at (fd, offset, text, bytes) || strlen (text) != bytes)
    return NULL;
  return g_steal_pointer (&text);
}

static gboolean
read_backing_format (VbImageHeader *self, int fd, guint64 offset)
{
  for (guint i = 0; i < MAX_EXTENSIONS; i++)
    {
      guint8 extension[8];

      if (!read_at (fd, offset, extension, sizeof extension))
        return FALSE;
      if (get32 (extension) == 0)
        return TRUE;
      if (get32 (extension) == EXTENSION_BACKING_FORMAT)
        {
          if (get32 (extension + 4) > MAX_FORMAT_BYTES)
            return FALSE;
          self->backing_format = read_text (fd, offset + 8, get32 (extension + 4));
          return self->backing_format != NULL;
        }
      offset += sizeof extension + ((guint64) get32 (extension + 4) + 7) / 8 * 8;
    }
  return FALSE;
}

static gboolean
read_backing (VbImageHeader *self, int fd, const guint8 *header)
{
  guint64 offset = get64 (header + AT_BACKING_OFFSET);
  guint32 bytes = get32 (header + AT_BACKING_BYTES);

  if (offset == 0)
    return TRUE;
  self->backing = bytes <= MAX_BACKING_BYTES ? read_text (fd, offset, bytes) : NULL;
  return self->backing != NULL
         && read_backing_format (self, fd,
                                 self->version >= 3 ? get32 (header + AT_HEADER_LENGTH) : V2_BYTES);
}

VbImageHeader *
vb_image_header_read (int fd, GError **error)
{
  g_autoptr (VbImageHeader) self = g_new0 (VbImageHeader, 1);
  guint8 header[V3_BYTES] = { 0 };

  if (!read_at (fd, 0, header, V2_BYTES) || memcmp (header, MAGIC, 4) != 0)
    return g_steal_pointer (&self);
  self->is_qcow2 = TRUE;
  self->version = get32 (header + AT_VERSION);
  self->n_snapshots = get32 (header + AT_N_SNAPSHOTS);
  if (self->version < 3 || read_at (fd, 0, header, sizeof header))
    {
      self->has_data_file
          = self->version >= 3 && (get64 (header + AT_INCOMPATIBLE) & INCOMPATIBLE_DATA_FILE) != 0;
      if (read_backing (self, fd, header))
        return g_steal_pointer (&self);
    }
  g_set_error_literal (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                       _ ("A disk image is damaged: its header contradicts itself."));
  return NULL;
}

void
vb_image_header_free (VbImageHeader *self)
{
  g_free (self->backing);
  g_free (self->backing_format);
  g_free (self);
}
