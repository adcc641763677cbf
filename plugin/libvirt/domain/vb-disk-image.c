/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-image.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-image-header.h"

#define QEMU_IMG "qemu-img"
#define MARK_GRANULARITY "1G"

/* Where a program finds the image: above what it opens itself. */
#define IMAGE_FD 10

/* Its work is small; longer, and the image's file system hangs. */
#define RUN_LIMIT_S 60

typedef struct
{
  GMainContext *context;
  GCancellable *cancellable;
  char *output;
  char *complaint;
  GError *error;
  gboolean done;
} Run;

static void
on_communicated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, &run->output,
                                        &run->complaint, &run->error);
  run->done = TRUE;
}

static gboolean
on_limit (gpointer user_data)
{
  g_cancellable_cancel (((Run *) user_data)->cancellable);
  return G_SOURCE_REMOVE;
}

/* @fd: (transfer full) */
static GSubprocess *
spawn (const char *const *argv, int fd, GError **error)
{
  static const char *const environment[]
      = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);

  g_subprocess_launcher_set_environ (launcher, (char **) environment);
  g_subprocess_launcher_take_fd (launcher, fd, IMAGE_FD);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

static void
communicate (Run *run, GSubprocess *process)
{
  GSource *limit = g_timeout_source_new_seconds (RUN_LIMIT_S);

  run->context = g_main_context_new ();
  run->cancellable = g_cancellable_new ();
  g_main_context_push_thread_default (run->context);
  g_source_set_callback (limit, on_limit, run, NULL);
  g_source_attach (limit, run->context);
  g_subprocess_communicate_utf8_async (process, NULL, run->cancellable, on_communicated, run);
  while (!run->done)
    g_main_context_iteration (run->context, TRUE);
  g_source_destroy (limit);
  g_source_unref (limit);
  g_main_context_pop_thread_default (run->context);
  g_main_context_unref (run->context);
  g_object_unref (run->cancellable);
}

static char *
set_failed (GError **error, VbError code, const char *doing, const char *reason)
{
  g_set_error (error, VB_ERROR, code, "%s: %s", doing, reason);
  return NULL;
}

/* @fd: (transfer full): the image, which @argv calls by the number IMAGE_FD. Returns what the
 * program printed, or NULL with the last line that it complained with in the error. */
static char *
run (const char *const *argv, int fd, const char *doing, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GSubprocess) process = spawn (argv, fd, &local);
  Run state = { NULL };
  g_autofree char *output = NULL;
  g_autofree char *complaint = NULL;
  g_autoptr (GError) failure = NULL;

  if (process == NULL)
    return set_failed (error, VB_ERROR_INTERNAL, doing, local->message);
  communicate (&state, process);
  output = state.output;
  complaint = state.complaint;
  failure = state.error;
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_subprocess_force_exit (process);
      return set_failed (error, VB_ERROR_DISK_UNAVAILABLE, doing, "the image does not answer");
    }
  if (failure != NULL)
    return set_failed (error, VB_ERROR_INTERNAL, doing, failure->message);
  if (!g_subprocess_get_successful (process))
    return set_failed (error, VB_ERROR_INTERNAL, doing, g_strchomp (complaint));
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

static void
read_snapshots (VbDiskImage *self, JsonObject *image)
{
  JsonArray *snapshots = json_object_has_member (image, "snapshots")
                             ? json_object_get_array_member (image, "snapshots")
                             : NULL;

  for (guint i = 0; snapshots != NULL && i < json_array_get_length (snapshots); i++)
    g_ptr_array_add (self->snapshots, g_strdup (json_object_get_string_member (
                                          json_array_get_object_element (snapshots, i), "name")));
}

static void
read_layer (VbDiskImage *self, JsonObject *image, gboolean is_top)
{
  self->actual_size_bytes
      += (guint64) json_object_get_int_member_with_default (image, "actual-size", 0);
  read_bitmaps (self, image, is_top);
  if (!is_top)
    return;
  self->virtual_size_bytes = (guint64) json_object_get_int_member (image, "virtual-size");
  read_snapshots (self, image);
}

/* One layer at a time, without what it says is below it. */
static gboolean
ask_about (VbDiskImage *self, VbImageChain *chain, guint index, const char *doing, GError **error)
{
  g_autofree char *name = vb_image_chain_dup_qemu_name (chain, index, 1, IMAGE_FD);
  const char *argv[] = { QEMU_IMG, "info", "-U", "--output=json", name, NULL };
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *output = NULL;
  JsonNode *root;
  int fd = vb_image_chain_open_layer (chain, index, O_RDONLY, error);

  output = fd >= 0 ? run (argv, fd, doing, error) : NULL;
  if (output == NULL)
    return FALSE;
  root = json_parser_load_from_data (parser, output, -1, NULL) ? json_parser_get_root (parser)
                                                               : NULL;
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      set_failed (error, VB_ERROR_INTERNAL, doing, "the answer of " QEMU_IMG " is not understood");
      return FALSE;
    }
  read_layer (self, json_node_get_object (root), index == 0);
  return TRUE;
}

/* Returns (transfer none) (nullable): what was found of the images of @disk */
static VbImageChain *
require_chain (const VbDomainDisk *disk, GError **error)
{
  if (disk->chain != NULL)
    return disk->chain;
  if (disk->trouble != NULL)
    g_propagate_error (error, g_error_copy (disk->trouble));
  else
    g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING, "The image of the disk %s is missing",
                 disk->target);
  return NULL;
}

static VbDiskImage *
read_layers (const VbDomainDisk *disk, guint n_layers, GError **error)
{
  g_autofree char *doing
      = g_strdup_printf ("Failed to read the image of the disk %s", disk->target);
  g_autoptr (VbDiskImage) self = g_new0 (VbDiskImage, 1);

  self->bitmaps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->in_use = g_ptr_array_new_with_free_func (g_free);
  self->snapshots = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < n_layers; i++)
    if (!ask_about (self, disk->chain, i, doing, error))
      return NULL;
  return g_steal_pointer (&self);
}

VbDiskImage *
vb_disk_image_read (const VbDomainDisk *disk, GError **error)
{
  VbImageChain *chain = require_chain (disk, error);

  return chain != NULL ? read_layers (disk, vb_image_chain_get_length (chain), error) : NULL;
}

VbDiskImage *
vb_disk_image_read_top (const VbDomainDisk *disk, GError **error)
{
  return require_chain (disk, error) != NULL ? read_layers (disk, 1, error) : NULL;
}

gboolean
vb_disk_image_says_chain (const VbDomainDisk *disk, gboolean *has_chain, GError **error)
{
  VbImageChain *chain = require_chain (disk, error);
  g_autoptr (VbImageHeader) header = NULL;
  int fd = chain != NULL ? vb_image_chain_open_layer (chain, 0, O_RDONLY, error) : -1;

  if (fd < 0)
    return FALSE;
  header = g_strcmp0 (disk->format, "qcow2") == 0 ? vb_image_header_read (fd, error)
                                                  : g_new0 (VbImageHeader, 1);
  close (fd);
  *has_chain = header != NULL && header->backing != NULL;
  return header != NULL;
}

void
vb_disk_image_free (VbDiskImage *self)
{
  g_hash_table_unref (self->bitmaps);
  g_ptr_array_unref (self->in_use);
  g_ptr_array_unref (self->snapshots);
  g_free (self);
}

gboolean
vb_disk_image_can_hold_bitmaps (const VbDomainDisk *disk)
{
  return disk->chain != NULL && vb_image_chain_can_hold_bitmaps (disk->chain);
}

guint64
vb_disk_image_allocated (const VbDomainDisk *disk)
{
  guint64 bytes = 0;

  for (guint i = 0; disk->chain != NULL && i < vb_image_chain_get_length (disk->chain); i++)
    bytes += vb_image_chain_get_layer (disk->chain, i)->allocated_bytes;
  return bytes;
}

/* @granularity: in the program's words, or NULL for the default */
static gboolean
change_bitmap (const VbDomainDisk *disk,
               const char *how,
               const char *bitmap,
               const char *granularity,
               GError **error)
{
  VbImageChain *chain = require_chain (disk, error);
  g_autofree char *name
      = chain != NULL ? vb_image_chain_dup_qemu_name (chain, 0, 1, IMAGE_FD) : NULL;
  const char *plain[] = { QEMU_IMG, "bitmap", how, name, bitmap, NULL };
  const char *coarse[] = { QEMU_IMG, "bitmap", how, "-g", granularity, name, bitmap, NULL };
  g_autofree char *doing
      = g_strdup_printf ("Failed to change the bitmaps of the disk %s (%s)", disk->target, how);
  int fd = chain != NULL ? vb_image_chain_open_layer (chain, 0, O_RDWR, error) : -1;
  g_autofree char *output
      = fd >= 0 ? run (granularity != NULL ? coarse : plain, fd, doing, error) : NULL;

  return output != NULL;
}

gboolean
vb_disk_image_add_bitmap (const VbDomainDisk *disk, const char *bitmap, GError **error)
{
  return change_bitmap (disk, "--add", bitmap, NULL, error);
}

gboolean
vb_disk_image_add_mark (const VbDomainDisk *disk, const char *bitmap, GError **error)
{
  return change_bitmap (disk, "--add", bitmap, MARK_GRANULARITY, error);
}

gboolean
vb_disk_image_remove_bitmap (const VbDomainDisk *disk, const char *bitmap, GError **error)
{
  return change_bitmap (disk, "--remove", bitmap, NULL, error);
}
