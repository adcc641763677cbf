/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-image.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-safe-open.h"

#define QEMU_IMG "qemu-img"

static GSubprocess *
spawn (const char *const *argv, GError **error)
{
  static const char *const environment[]
      = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);

  g_subprocess_launcher_set_environ (launcher, (char **) environment);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

/* Returns what the program printed, or NULL with the last line that it complained with in the
 * error. */
static char *
run (const char *const *argv, const char *doing, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GSubprocess) process = spawn (argv, &local);
  g_autofree char *output = NULL;
  g_autofree char *complaint = NULL;

  if (process == NULL
      || !g_subprocess_communicate_utf8 (process, NULL, NULL, &output, &complaint, &local))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%s: %s", doing, local->message);
      return NULL;
    }
  if (!g_subprocess_get_successful (process))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%s: %s", doing, g_strchomp (complaint));
      return NULL;
    }
  return g_steal_pointer (&output);
}

/* Returns (transfer none) (nullable): the bitmaps that one image of the answer lists. */
static JsonArray *
listed_bitmaps (JsonObject *image)
{
  JsonObject *specific = json_object_has_member (image, "format-specific")
                             ? json_object_get_object_member (image, "format-specific")
                             : NULL;
  JsonObject *data = specific != NULL && json_object_has_member (specific, "data")
                         ? json_object_get_object_member (specific, "data")
                         : NULL;

  return data != NULL && json_object_has_member (data, "bitmaps")
             ? json_object_get_array_member (data, "bitmaps")
             : NULL;
}

static gboolean
has_flag (JsonObject *bitmap, const char *flag)
{
  JsonArray *flags = json_object_get_array_member (bitmap, "flags");

  for (guint i = 0; i < json_array_get_length (flags); i++)
    if (g_str_equal (json_array_get_string_element (flags, i), flag))
      return TRUE;
  return FALSE;
}

static void
read_bitmaps (VbDiskImage *self, JsonObject *image, gboolean is_top)
{
  JsonArray *bitmaps = listed_bitmaps (image);

  for (guint i = 0; bitmaps != NULL && i < json_array_get_length (bitmaps); i++)
    {
      JsonObject *bitmap = json_array_get_object_element (bitmaps, i);
      const char *name = json_object_get_string_member (bitmap, "name");
      /* One that is not "auto" was not recording while the VPS ran. */
      gboolean in_use = has_flag (bitmap, "in-use");
      gboolean whole = has_flag (bitmap, "auto") && !in_use;

      if (is_top && in_use)
        g_ptr_array_add (self->in_use, g_strdup (name));
      /* After a snapshot the older part of the record is in an image below. */
      if (is_top)
        g_hash_table_insert (self->bitmaps, g_strdup (name), GINT_TO_POINTER (whole));
      else if (g_hash_table_contains (self->bitmaps, name))
        g_hash_table_insert (self->bitmaps, g_strdup (name), GINT_TO_POINTER (FALSE));
    }
}

/* The array is the chain, top first. */
static void
read_chain (VbDiskImage *self, JsonArray *chain)
{
  JsonObject *top = json_array_get_object_element (chain, 0);

  self->virtual_size_bytes = (guint64) json_object_get_int_member (top, "virtual-size");
  for (guint i = 0; i < json_array_get_length (chain); i++)
    {
      JsonObject *image = json_array_get_object_element (chain, i);

      self->actual_size_bytes
          += (guint64) json_object_get_int_member_with_default (image, "actual-size", 0);
      read_bitmaps (self, image, i == 0);
    }
}

VbDiskImage *
vb_disk_image_read (const VbDomainDisk *disk, GError **error)
{
  const char *argv[] = { QEMU_IMG,     "info",     "-U", "--backing-chain", "--output=json", "-f",
                         disk->format, disk->path, NULL };
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *doing = g_strdup_printf ("Reading the image of the disk %s", disk->target);
  g_autofree char *output = NULL;
  VbDiskImage *self;
  JsonNode *root;

  if (disk->path == NULL || access (disk->path, F_OK) != 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING, "The image of the disk %s is missing",
                   disk->target);
      return NULL;
    }
  output = run (argv, doing, error);
  if (output == NULL)
    return NULL;
  root = json_parser_load_from_data (parser, output, -1, NULL) ? json_parser_get_root (parser)
                                                               : NULL;
  if (root == NULL || !JSON_NODE_HOLDS_ARRAY (root)
      || json_array_get_length (json_node_get_array (root)) == 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "%s: the answer of " QEMU_IMG " is not understood", doing);
      return NULL;
    }
  self = g_new0 (VbDiskImage, 1);
  self->bitmaps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->in_use = g_ptr_array_new_with_free_func (g_free);
  read_chain (self, json_node_get_array (root));
  return self;
}

void
vb_disk_image_free (VbDiskImage *self)
{
  g_hash_table_unref (self->bitmaps);
  g_ptr_array_unref (self->in_use);
  g_free (self);
}

gboolean
vb_disk_image_can_hold_bitmaps (const VbDomainDisk *disk)
{
  guint8 header[8];
  gssize got;
  int fd;

  if (disk->path == NULL || g_strcmp0 (disk->format, "qcow2") != 0)
    return FALSE;
  fd = vb_safe_open_resolved (disk->path, O_RDONLY);
  if (fd < 0)
    return FALSE;
  got = pread (fd, header, sizeof header, 0);
  close (fd);
  /* "QFI\xfb", then the version, big-endian. */
  return got == sizeof header && memcmp (header, "QFI\xfb\0\0\0", 7) == 0 && header[7] >= 3;
}

static guint64
blocks_of (const char *path)
{
  struct stat status;

  return path != NULL && stat (path, &status) == 0 && S_ISREG (status.st_mode)
             ? (guint64) status.st_blocks * 512
             : 0;
}

guint64
vb_disk_image_allocated (const VbDomainDisk *disk)
{
  guint64 bytes = blocks_of (disk->path);

  for (guint i = 0; i < disk->backing->len; i++)
    bytes += blocks_of (g_ptr_array_index (disk->backing, i));
  return bytes;
}

static gboolean
change_bitmap (const VbDomainDisk *disk, const char *how, const char *bitmap, GError **error)
{
  const char *argv[] = { QEMU_IMG, "bitmap", how, "-f", disk->format, disk->path, bitmap, NULL };
  g_autofree char *doing
      = g_strdup_printf ("Changing the bitmaps of the disk %s (%s)", disk->target, how);
  g_autofree char *output = run (argv, doing, error);

  return output != NULL;
}

gboolean
vb_disk_image_add_bitmap (const VbDomainDisk *disk, const char *bitmap, GError **error)
{
  return change_bitmap (disk, "--add", bitmap, error);
}

gboolean
vb_disk_image_remove_bitmap (const VbDomainDisk *disk, const char *bitmap, GError **error)
{
  return change_bitmap (disk, "--remove", bitmap, error);
}
