/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage-lab.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static gboolean
spawn (const char *command, char **output)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *complaint = NULL;
  g_auto (GStrv) argv = NULL;
  int status;

  g_shell_parse_argv (command, NULL, &argv, &error);
  g_assert_no_error (error);
  g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output, &complaint, &status,
                &error);
  g_assert_no_error (error);
  if (g_spawn_check_wait_status (status, NULL))
    return TRUE;
  g_test_message ("%s: %s", command, complaint);
  return FALSE;
}

char *
storage_lab_run (const char *format, ...)
{
  char *output = NULL;
  va_list args;

  va_start (args, format);
  g_autofree char *command = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_true (spawn (command, &output));
  return output;
}

gboolean
storage_lab_try (const char *format, ...)
{
  g_autofree char *output = NULL;
  va_list args;

  va_start (args, format);
  g_autofree char *command = g_strdup_vprintf (format, args);
  va_end (args);
  return spawn (command, &output);
}

int
storage_lab_run_tests (void)
{
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  return g_test_run ();
}

StorageLab *
storage_lab_new_with_pool (const char *pool_path, const char *reserve)
{
  g_autoptr (GError) error = NULL;
  StorageLab *self = g_new0 (StorageLab, 1);

  self->folder = g_dir_make_tmp ("vps-backup-test-XXXXXX", &error);
  g_assert_no_error (error);
  self->pool_path = pool_path ? g_strdup (pool_path) : storage_lab_path (self, "pool");
  g_assert_true (vb_directory_pool_create (self->pool_path, &error));
  self->pool = VB_POOL (vb_directory_pool_new (self->pool_path, reserve, &error));
  g_assert_no_error (error);
  self->vps = g_uuid_string_random ();
  return self;
}

StorageLab *
storage_lab_new (void)
{
  return storage_lab_new_with_pool (NULL, "0");
}

void
storage_lab_free (StorageLab *self)
{
  g_free (storage_lab_run ("rm -rf '%s'", self->folder));
  g_object_unref (self->pool);
  g_free (self->folder);
  g_free (self->pool_path);
  g_free (self->vps);
  g_free (self);
}

char *
storage_lab_path (StorageLab *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

void
storage_lab_scribble (const char *path, const char *format, guint64 offset, guint64 length)
{
  g_autofree char *source = g_strdup_printf ("%s.scribble", path);
  g_autofree guint32 *data = g_malloc (length + sizeof (guint32));

  for (guint64 i = 0; i <= length / sizeof (guint32); i++)
    data[i] = g_random_int ();
  g_assert_true (g_file_set_contents (source, (char *) data, (gssize) length, NULL));
  g_free (storage_lab_run ("qemu-io -f %s -c 'write -q -s %s %" G_GUINT64_FORMAT
                           " %" G_GUINT64_FORMAT "' '%s'",
                           format, source, offset, length, path));
  g_unlink (source);
}

char *
storage_lab_disk (StorageLab *self,
                  const char *name,
                  const char *format,
                  guint64 size,
                  const char *options)
{
  char *path = storage_lab_path (self, name);

  g_free (storage_lab_run ("qemu-img create -q -f %s %s '%s' %" G_GUINT64_FORMAT, format, options,
                           path, size));
  guint64 tail = size - size % 512;
  storage_lab_scribble (path, format, 0, 4096);
  storage_lab_scribble (path, format, size / 4, 5 * MIB + 512 * 3);
  storage_lab_scribble (path, format, size / 2 / 512 * 512 + 512, 2 * MIB);
  storage_lab_scribble (path, format, tail - 512 * 5, 512 * 5);
  /* Allocated, but nothing but zeros. */
  g_free (storage_lab_run ("qemu-io -f %s -c 'write -q -P 0 %" G_GUINT64_FORMAT " 3M' '%s'", format,
                           (guint64) (size / 8 * 5 / 65536 * 65536), path));
  return path;
}

void
storage_lab_assert_same (const char *format_a, const char *a, const char *format_b, const char *b)
{
  g_free (storage_lab_run ("qemu-img compare -q -f %s -F %s '%s' '%s'", format_a, format_b, a, b));
}

VbImageChain *
storage_lab_chain (const char *path, const char *format)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) named
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_image_layer_free);
  VbImageChain *chain;

  g_ptr_array_add (named, vb_image_layer_new (path, format));
  chain = vb_image_chain_look (named, FALSE, &error);
  g_assert_no_error (error);
  return chain;
}

VbCapture *
storage_lab_capture (StorageLab *self, const char *path, const char *format)
{
  g_autofree char *backup = g_uuid_string_random ();
  g_autofree char *operation = g_uuid_string_random ();

  VbCapture *capture = vb_capture_new (self->vps, backup, operation);
  capture->consistency = VB_CONSISTENCY_OFFLINE;
  capture->domain_xml = g_strdup ("<domain/>\n");
  vb_capture_add_skipped (capture, "sda", "cdrom");
  VbCaptureDisk *disk = vb_capture_add_disk (capture, "vda");
  disk->path = g_strdup (path);
  disk->chain = storage_lab_chain (path, format);
  disk->format = g_strdup (format);
  return capture;
}

VbBackupInfo *
storage_lab_back_up (StorageLab *self, const VbCapture *capture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  VbBackupInfo *info = vb_backup_info_new (capture->backup, self->vps);

  info->name = g_strdup ("a name");
  info->vps_name = g_strdup ("a vps");
  info->consistency = capture->consistency;
  vb_pool_capture (self->pool, capture, info, transfer, &error);
  g_assert_no_error (error);
  vb_pool_commit (self->pool, info, &error);
  g_assert_no_error (error);
  return info;
}

char *
storage_lab_file (StorageLab *self, const char *backup, const char *name)
{
  return g_build_filename (self->pool_path, self->vps, backup, name, NULL);
}

GPtrArray *
storage_lab_disks (const char *target, const char *path, const char *format)
{
  GPtrArray *disks = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_disk_free);
  if (target)
    g_ptr_array_add (disks, vb_disk_new (target, path, format));
  return disks;
}

void
storage_lab_flip (const char *path, guint64 offset)
{
  guint8 byte;
  int fd = open (path, O_RDWR);

  g_assert_cmpint (pread (fd, &byte, 1, (off_t) offset), ==, 1);
  byte ^= 1;
  g_assert_cmpint (pwrite (fd, &byte, 1, (off_t) offset), ==, 1);
  close (fd);
}

guint
storage_lab_count (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir && g_dir_read_name (dir))
    n++;
  return n;
}

gboolean
storage_lab_is_running (const char *text)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *name;
  gboolean found = FALSE;

  while (!found && (name = g_dir_read_name (proc)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "cmdline", NULL);
      g_autofree char *arguments = NULL;
      gsize length;
      if (g_ascii_isdigit (name[0]) && g_file_get_contents (path, &arguments, &length, NULL))
        found = memmem (arguments, length, text, strlen (text)) != NULL;
    }
  return found;
}

gboolean
storage_lab_mount (const char *source, const char *folder, const char *type, const char *options)
{
  static gboolean is_private;

  if (!is_private
      && (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
    {
      g_test_skip ("mounts of our own are not allowed here");
      return FALSE;
    }
  is_private = TRUE;
  g_mkdir (folder, 0700);
  if (mount (source, folder, type, 0, options) == 0)
    return TRUE;
  g_autofree char *message = g_strdup_printf ("%s cannot be mounted: %s", type, g_strerror (errno));
  g_test_skip (message);
  return FALSE;
}

void
storage_lab_wait_moving (VbTransfer *transfer)
{
  gint64 deadline = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
  guint64 done = 0, total;

  while (done == 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (1000);
      vb_transfer_get (transfer, &done, &total);
    }
}
