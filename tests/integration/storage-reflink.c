/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool on a real file system with reflinks, and on one that hangs. */
#include "../unit/storage-lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct
{
  char *image;
  char *loop;
  char *mount_point;
  StorageLab *lab;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->mount_point = g_dir_make_tmp ("vps-backup-test-XXXXXX", NULL);
  if (geteuid () != 0)
    {
      g_test_skip ("needs root");
      return;
    }
  fixture->image = g_strconcat (fixture->mount_point, ".xfs", NULL);
  g_free (storage_lab_run ("truncate -s 1G '%s'", fixture->image));
  g_free (storage_lab_run ("mkfs.xfs -q -m reflink=1 '%s'", fixture->image));
  fixture->loop = g_strchomp (storage_lab_run ("losetup --find --show '%s'", fixture->image));
  if (!storage_lab_mount (fixture->loop, fixture->mount_point, "xfs", NULL))
    return;
  g_autofree char *pool_path = g_build_filename (fixture->mount_point, "pool", NULL);
  fixture->lab = storage_lab_new_with_pool (pool_path, "0");
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->lab, storage_lab_free);
  umount (fixture->mount_point);
  if (fixture->loop)
    g_free (storage_lab_run ("losetup --detach '%s'", fixture->loop));
  if (fixture->image)
    g_unlink (fixture->image);
  g_rmdir (fixture->mount_point);
  g_free (fixture->loop);
  g_free (fixture->image);
  g_free (fixture->mount_point);
}

/* What the bitmap of a qcow2 image notes at least. */
#define PIECE ((gsize) 64 * 1024)

static guint64
get_used (const char *folder)
{
  struct statvfs info;
  int fd = g_open (folder, O_RDONLY | O_DIRECTORY, 0);
  g_assert_cmpint (syncfs (fd), ==, 0);
  g_assert_cmpint (fstatvfs (fd, &info), ==, 0);
  close (fd);
  return (guint64) (info.f_blocks - info.f_bfree) * info.f_frsize;
}

/* A qcow2 disk with a bitmap of what changes after the first backup. */
static VbBackupInfo *
first_backup (Fixture *fixture, char **disk, const char *bitmap)
{
  *disk = storage_lab_disk (fixture->lab, "disk", "qcow2", 200 * MIB, "");
  storage_lab_scribble (*disk, "qcow2", 100 * MIB, 60 * MIB);
  g_free (storage_lab_run ("qemu-img bitmap --add -f qcow2 '%s' %s", *disk, bitmap));
  g_autoptr (VbCapture) capture = storage_lab_capture (fixture->lab, *disk, "qcow2");
  return storage_lab_back_up (fixture->lab, capture);
}

static VbBackupInfo *
next_backup (Fixture *fixture, const char *disk, const char *base, const char *bitmap)
{
  g_autoptr (VbCapture) capture = storage_lab_capture (fixture->lab, disk, "qcow2");
  VbCaptureDisk *entry = g_ptr_array_index (capture->disks, 0);

  capture->base_backup = g_strdup (base);
  entry->changed_context = g_strdup (bitmap);
  return storage_lab_back_up (fixture->lab, capture);
}

static void
assert_whole (Fixture *fixture, const char *backup)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  guint64 bad = 99;

  vb_pool_verify (fixture->lab->pool, fixture->lab->vps, backup, transfer, &bad, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (bad, ==, 0);
}

static void
test_incremental (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *disk = NULL;
  g_autofree char *kept = NULL;
  VbPoolStatus status;

  if (fixture->lab == NULL)
    return;
  g_assert_true (vb_pool_check (fixture->lab->pool, &status, NULL));
  g_assert_true (status.reflinks);
  g_autoptr (VbBackupInfo) first = first_backup (fixture, &disk, "b1");
  kept = storage_lab_path (fixture->lab, "kept");
  g_free (storage_lab_run ("cp '%s' '%s'", disk, kept));

  /* New data, data over data in small pieces, zeros over data, a discarded part, zeros over
   * nothing. */
  storage_lab_scribble (disk, "qcow2", 7 * MIB + 512, 100000);
  for (guint i = 0; i < 32; i++)
    storage_lab_scribble (disk, "qcow2", 110 * MIB + 2 * i * PIECE, PIECE);
  g_free (storage_lab_run (
      "qemu-io -f qcow2 -c 'write -q -P 0 120M 1M' -c 'discard -q 130M 3M' -c 'write -q -z 20M 1M' "
      "-c 'write -q -P 0 140000k 192k' '%s'",
      disk));
  guint64 used = get_used (fixture->mount_point);
  g_autoptr (VbBackupInfo) second = next_backup (fixture, disk, first->id, "b1");
  used = get_used (fixture->mount_point) - used;

  g_autofree char *first_image = storage_lab_file (fixture->lab, first->id, "vda.raw");
  g_autofree char *second_image = storage_lab_file (fixture->lab, second->id, "vda.raw");
  g_assert_true (second->incremental);
  g_assert_cmpuint (used, <, 4 * MIB);
  storage_lab_assert_same ("qcow2", disk, "raw", second_image);
  storage_lab_assert_same ("qcow2", kept, "raw", first_image);
  assert_whole (fixture, first->id);
  assert_whole (fixture, second->id);
  /* What it holds: about 2 MiB more than the first one, and more than 4 MiB of holes. */
  g_assert_cmpuint (second->size_bytes, <, first->size_bytes - MIB);
  g_assert_cmpuint (second->size_bytes, >, first->size_bytes - 6 * MIB);

  /* Deleting the first one touches nothing of the second. */
  g_assert_true (vb_pool_remove (fixture->lab->pool, fixture->lab->vps, first->id, NULL));
  assert_whole (fixture, second->id);
  storage_lab_assert_same ("qcow2", disk, "raw", second_image);
}

static gint64
get_unique (Fixture *fixture, const char *backup)
{
  g_autoptr (GPtrArray) list = vb_pool_list (fixture->lab->pool, NULL);

  for (guint i = 0; i < list->len; i++)
    {
      const VbBackupInfo *info = g_ptr_array_index (list, i);
      if (g_str_equal (info->id, backup))
        return info->unique_bytes;
    }
  g_assert_not_reached ();
}

/* XFS lets go of the extents of a deleted file in the background. */
static void
wait_unique (Fixture *fixture, const char *backup, gint64 at_least)
{
  gint64 end_us = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (get_unique (fixture, backup) < at_least)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end_us);
      g_usleep (G_USEC_PER_SEC / 20);
    }
}

/* What deleting each of them would free: the change, then, when it is the only one, everything. */
static void
test_unique (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *disk = NULL;

  if (fixture->lab == NULL)
    return;
  g_autoptr (VbBackupInfo) first = first_backup (fixture, &disk, "b1");
  g_assert_cmpint (get_unique (fixture, first->id), >, (gint64) (60 * MIB));
  storage_lab_scribble (disk, "qcow2", 110 * MIB, 2 * MIB);
  g_autoptr (VbBackupInfo) second = next_backup (fixture, disk, first->id, "b1");
  get_used (fixture->mount_point); /* XFS reserves room ahead of writes; a sync settles it */
  g_assert_cmpint (get_unique (fixture, first->id), >=, (gint64) (2 * MIB));
  g_assert_cmpint (get_unique (fixture, first->id), <, (gint64) (3 * MIB));
  g_assert_cmpint (get_unique (fixture, second->id), >=, (gint64) (2 * MIB));
  g_assert_cmpint (get_unique (fixture, second->id), <, (gint64) (3 * MIB));

  guint64 used = get_used (fixture->mount_point);
  g_assert_true (vb_pool_remove (fixture->lab->pool, fixture->lab->vps, first->id, NULL));
  used -= get_used (fixture->mount_point);
  g_assert_cmpuint (used, <, 3 * MIB);
  wait_unique (fixture, second->id, 60 * MIB);
}

/* The base is damaged where it is needed: all is read, the damage is not passed on. */
static void
test_damaged_base (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *disk = NULL;

  if (fixture->lab == NULL)
    return;
  g_autoptr (VbBackupInfo) first = first_backup (fixture, &disk, "b1");
  g_autofree char *first_image = storage_lab_file (fixture->lab, first->id, "vda.raw");
  storage_lab_scribble (disk, "qcow2", 150 * MIB, 100000);
  storage_lab_flip (first_image, 150 * MIB + 700000);
  g_autoptr (VbBackupInfo) second = next_backup (fixture, disk, first->id, "b1");
  g_autofree char *second_image = storage_lab_file (fixture->lab, second->id, "vda.raw");

  g_assert_false (second->incremental);
  storage_lab_assert_same ("qcow2", disk, "raw", second_image);
  assert_whole (fixture, second->id);
}

/* Every reason for which a base cannot be used leads to a full backup that is right. */
static void
test_fallbacks (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *disk = NULL;

  if (fixture->lab == NULL)
    return;
  g_autoptr (VbBackupInfo) first = first_backup (fixture, &disk, "b1");
  g_autofree char *unknown = g_uuid_string_random ();
  g_autofree char *sums = storage_lab_file (fixture->lab, first->id, "vda.sums");
  storage_lab_scribble (disk, "qcow2", 3 * MIB, MIB);

  g_autoptr (VbBackupInfo) no_bitmap = next_backup (fixture, disk, first->id, "b2");
  g_assert_false (no_bitmap->incremental);
  g_autoptr (VbBackupInfo) no_base = next_backup (fixture, disk, unknown, "b1");
  g_assert_false (no_base->incremental);
  storage_lab_flip (sums, 100);
  g_autoptr (VbBackupInfo) no_sums = next_backup (fixture, disk, first->id, "b1");
  g_assert_false (no_sums->incremental);
  storage_lab_flip (sums, 100);
  g_free (storage_lab_run ("qemu-img resize -q -f qcow2 '%s' 201M", disk));
  g_autoptr (VbBackupInfo) resized = next_backup (fixture, disk, first->id, "b1");
  g_assert_false (resized->incremental);
  g_autofree char *image = storage_lab_file (fixture->lab, resized->id, "vda.raw");
  storage_lab_assert_same ("qcow2", disk, "raw", image);
}

/* The VPS's own disks on the file system with reflinks. */
static VbBackupInfo *
back_up_disk_on_mount (Fixture *fixture, char **disk, char **kept)
{
  g_autofree char *elsewhere = NULL;
  g_autofree char *folder = g_build_filename (fixture->mount_point, "disks", NULL);

  VbBackupInfo *info = first_backup (fixture, &elsewhere, "b1");
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  *disk = g_build_filename (folder, "disk", NULL);
  *kept = storage_lab_path (fixture->lab, "kept");
  g_free (storage_lab_run ("cp '%s' '%s'", elsewhere, *disk));
  g_free (storage_lab_run ("cp '%s' '%s'", elsewhere, *kept));
  return info;
}

static VbStaging *
stage_delta (Fixture *fixture,
             const char *backup,
             const char *disk,
             guint64 limit,
             VbTransfer *transfer,
             GError **error)
{
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", disk, "qcow2");
  g_autoptr (VbCapture) delta = vb_capture_new (fixture->lab->vps, backup, operation);
  VbCaptureDisk *entry = vb_capture_add_disk (delta, "vda");

  entry->path = g_strdup (disk);
  entry->origin = vb_disk_origin_new (NULL, disk);
  entry->origin->layers = vb_layers_new ();
  entry->chain = storage_lab_chain (disk, "qcow2");
  entry->format = g_strdup ("qcow2");
  entry->changed_context = g_strdup ("b1");
  g_assert_true (vb_pool_can_stage_delta (fixture->lab->pool, disks));
  return vb_pool_stage_delta (fixture->lab->pool, delta, disks, limit, transfer, error);
}

static void
test_delta (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autofree char *disk = NULL;
  g_autofree char *kept = NULL;
  guint64 done, total;

  if (fixture->lab == NULL)
    return;
  g_autoptr (VbBackupInfo) info = back_up_disk_on_mount (fixture, &disk, &kept);
  storage_lab_scribble (disk, "qcow2", 7 * MIB + 512, 100000);
  storage_lab_scribble (disk, "qcow2", 110 * MIB + 4096, 2 * MIB);
  g_free (storage_lab_run ("qemu-io -f qcow2 -c 'discard -q 130M 3M' -c 'write -q -z 120M 1M' '%s'",
                           disk));

  guint64 used = get_used (fixture->mount_point);
  g_autoptr (VbStaging) staging = stage_delta (fixture, info->id, disk, 64 * MIB, transfer, &error);
  used = get_used (fixture->mount_point) - used;
  g_assert_no_error (error);
  g_assert_cmpuint (used, <, 10 * MIB);
  vb_transfer_get (transfer, &done, &total);
  g_assert_cmpuint (done, ==, total);
  g_assert_cmpuint (total, >, 6 * MIB);
  g_assert_cmpuint (total, <, 8 * MIB);

  g_assert_true (vb_staging_swap (staging, NULL, &error));
  storage_lab_assert_same ("qcow2", disk, "qcow2", kept);
  g_free (storage_lab_run ("qemu-img check -q -f qcow2 '%s'", disk));
  g_autofree char *about = storage_lab_run ("qemu-img info -f qcow2 '%s'", disk);
  g_assert_null (strstr (about, "b1"));
  g_assert_true (vb_staging_finish (staging, &error));
  g_assert_no_error (error);
}

static void
test_delta_refused (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autofree char *disk = NULL;
  g_autofree char *kept = NULL;

  if (fixture->lab == NULL)
    return;
  g_autoptr (VbBackupInfo) info = back_up_disk_on_mount (fixture, &disk, &kept);
  g_autofree char *image = storage_lab_file (fixture->lab, info->id, "vda.raw");
  g_autofree char *folder = g_path_get_dirname (disk);
  storage_lab_scribble (disk, "qcow2", 110 * MIB, MIB);

  g_assert_null (stage_delta (fixture, info->id, disk, 4096, transfer, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
  g_clear_error (&error);
  storage_lab_flip (image, 110 * MIB + 77);
  g_assert_null (stage_delta (fixture, info->id, disk, 64 * MIB, transfer, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH);
  g_clear_error (&error);
  g_free (storage_lab_run ("qemu-img bitmap --remove -f qcow2 '%s' b1", disk));
  g_assert_null (stage_delta (fixture, info->id, disk, 64 * MIB, transfer, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (storage_lab_count (folder), ==, 1);
}

typedef struct
{
  StorageLab *lab;
  VbCapture *capture;
  VbTransfer *transfer;
  GError *error;
} Attempt;

static gpointer
attempt_thread (gpointer data)
{
  Attempt *attempt = data;
  g_autoptr (VbBackupInfo) info = vb_backup_info_new (attempt->capture->backup, attempt->lab->vps);
  return GINT_TO_POINTER (vb_pool_capture (attempt->lab->pool, attempt->capture, info,
                                           attempt->transfer, &attempt->error));
}

/* While the pool hangs a capture can be given up; its rests go as soon as the pool answers
 * again. */
static void
test_hung_pool (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->lab == NULL)
    return;
  StorageLab *lab = fixture->lab;
  g_autofree char *disk = storage_lab_disk (lab, "disk", "qcow2", 200 * MIB, "");
  storage_lab_scribble (disk, "qcow2", 100 * MIB, 60 * MIB);
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "qcow2");
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 8 * MIB);
  Attempt attempt = { lab, capture, transfer, NULL };

  GThread *thread = g_thread_new ("attempt", attempt_thread, &attempt);
  storage_lab_wait_moving (transfer);
  int fd = g_open (fixture->mount_point, O_RDONLY | O_DIRECTORY, 0);
  g_assert_cmpint (ioctl (fd, FIFREEZE, 0), ==, 0);
  vb_transfer_cancel (transfer);
  g_assert_false (GPOINTER_TO_INT (g_thread_join (thread))); /* still frozen */
  g_assert_error (attempt.error, VB_ERROR, VB_ERROR_CANCELLED);
  g_assert_false (storage_lab_is_running (disk));
  g_clear_error (&attempt.error);

  g_assert_cmpint (ioctl (fd, FITHAW, 0), ==, 0);
  close (fd);
  g_assert_true (
      vb_pool_discard (lab->pool, lab->vps, capture->backup, &error)); /* waits for what is left */
  g_assert_no_error (error);
  g_assert_cmpuint (storage_lab_count (lab->pool_path), ==, 1);
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture); /* the same id again */
  assert_whole (fixture, info->id);
}

/* The pool is unmounted: nothing is written to the mount point below it. */
static void
test_unmounted (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);

  if (fixture->lab == NULL)
    return;
  g_autofree char *disk = storage_lab_disk (fixture->lab, "disk", "raw", 32 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (fixture->lab, disk, "raw");
  g_autoptr (VbBackupInfo) info = vb_backup_info_new (capture->backup, fixture->lab->vps);
  g_assert_cmpint (umount (fixture->mount_point), ==, 0);
  g_assert_cmpint (g_mkdir (fixture->lab->pool_path, 0700), ==, 0);

  g_assert_false (vb_pool_capture (fixture->lab->pool, capture, info, transfer, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
  g_assert_cmpuint (storage_lab_count (fixture->lab->pool_path), ==, 0);
  g_rmdir (fixture->lab->pool_path);
  g_assert_cmpint (mount (fixture->loop, fixture->mount_point, "xfs", 0, NULL), ==, 0);
}

/* It has become read-only, as after an error of its disk. */
static void
test_read_only (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);

  if (fixture->lab == NULL)
    return;
  g_autofree char *disk = storage_lab_disk (fixture->lab, "disk", "raw", 32 * MIB, "");
  g_autoptr (VbCapture) first = storage_lab_capture (fixture->lab, disk, "raw");
  g_autoptr (VbCapture) second = storage_lab_capture (fixture->lab, disk, "raw");
  g_autoptr (VbBackupInfo) made = storage_lab_back_up (fixture->lab, first);
  g_autoptr (VbBackupInfo) info = vb_backup_info_new (second->backup, fixture->lab->vps);
  g_assert_cmpint (mount (NULL, fixture->mount_point, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);

  g_assert_false (vb_pool_capture (fixture->lab->pool, second, info, transfer, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
  g_clear_error (&error);
  g_assert_false (vb_pool_remove (fixture->lab->pool, fixture->lab->vps, made->id, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
  assert_whole (fixture, made->id); /* it can still be read */
  g_assert_cmpint (mount (NULL, fixture->mount_point, NULL, MS_REMOUNT, NULL), ==, 0);
}

/* Suspends an incremental copy that has done some of its work. */
static void
copy_some (Fixture *fixture, VbCapture *capture)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 20 * MIB);
  guint64 done = 0, total;

  Attempt attempt = { fixture->lab, capture, transfer, NULL };
  GThread *thread = g_thread_new ("attempt", attempt_thread, &attempt);
  storage_lab_wait_moving (transfer);
  while (done < 10 * MIB)
    {
      g_usleep (1000);
      vb_transfer_get (transfer, &done, &total);
    }
  g_assert_true (vb_transfer_suspend (transfer));
  g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
  g_assert_error (attempt.error, VB_ERROR, VB_ERROR_INTERRUPTED);
  g_clear_error (&attempt.error);
}

/* The part of a clone that was not finished is that of the base again before the copy goes on. */
static void
test_resume (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *disk = NULL;

  if (fixture->lab == NULL)
    return;
  g_autoptr (VbBackupInfo) first = first_backup (fixture, &disk, "b1");
  storage_lab_scribble (disk, "qcow2", 20 * MIB + 512, 30 * MIB);
  storage_lab_scribble (disk, "qcow2", 150 * MIB + 512, 4 * MIB);
  g_autoptr (VbCapture) capture = storage_lab_capture (fixture->lab, disk, "qcow2");
  VbCaptureDisk *entry = g_ptr_array_index (capture->disks, 0);
  capture->base_backup = g_strdup (first->id);
  entry->changed_context = g_strdup ("b1");
  capture->running = TRUE;
  copy_some (fixture, capture);

  g_autofree char *name = g_strdup_printf (".%s.partial", capture->backup);
  g_autofree char *partial = storage_lab_file (fixture->lab, name, "vda.raw");
  g_autofree char *mark = storage_lab_file (fixture->lab, name, "vda.delta-mark");
  g_assert_true (g_file_test (mark, G_FILE_TEST_EXISTS));
  storage_lab_scribble (partial, "raw", 100 * MIB + 7, 60 * MIB);
  storage_lab_flip (partial, 21 * MIB + 17);
  capture->resumed = TRUE;
  g_autoptr (VbBackupInfo) second = storage_lab_back_up (fixture->lab, capture);

  g_assert_true (second->incremental);
  g_autofree char *copy = storage_lab_file (fixture->lab, second->id, "vda.raw");
  storage_lab_flip (copy, 21 * MIB + 17);
  storage_lab_assert_same ("qcow2", disk, "raw", copy);
  assert_whole (fixture, second->id);
  assert_whole (fixture, first->id);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture *fixture, gconstpointer unused);
  } tests[] = {
    { "/storage/incremental", test_incremental },
    { "/storage/damaged-base", test_damaged_base },
    { "/storage/unique", test_unique },
    { "/storage/fallbacks", test_fallbacks },
    { "/storage/hung-pool", test_hung_pool },
    { "/storage/resume", test_resume },
    { "/storage/delta", test_delta },
    { "/storage/delta-refused", test_delta_refused },
    { "/storage/unmounted", test_unmounted },
    { "/storage/read-only", test_read_only },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].func, tear_down);
  return storage_lab_run_tests ();
}
