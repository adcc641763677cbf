/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage-lab.h"

#include <glib/gstdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Sizes that are multiples of nothing, and images of all kinds. */
static const struct
{
  const char *format;
  guint64 size;
  const char *options;
} kinds[] = {
  { "raw", 64 * 1024 * 1024, "" },
  { "raw", 48 * 1024 * 1024 + 512 * 7, "" },
  { "qcow2", 64 * 1024 * 1024, "" },
  { "qcow2", 100 * 1024 * 1024 + 512 * 3, "-o cluster_size=4096" },
  { "qcow2", 40 * 1024 * 1024 + 512, "-o cluster_size=2M,lazy_refcounts=on" },
  { "qcow2", 64 * 1024 * 1024, "-o extended_l2=on,cluster_size=128k" },
  { "qcow2", 33 * 1024 * 1024, "-o compat=0.10" },
};

static void
assert_mode (const char *path, guint mode)
{
  struct stat info;
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmphex (info.st_mode & 07777, ==, mode);
}

static void
test_capture (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *name = g_strdup_printf ("disk%u", (guint) i);
      g_autofree char *disk
          = storage_lab_disk (lab, name, kinds[i].format, kinds[i].size, kinds[i].options);
      g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, kinds[i].format);
      g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
      g_autofree char *image = storage_lab_file (lab, info->id, "vda.raw");
      g_autofree char *folder = storage_lab_file (lab, info->id, NULL);

      storage_lab_assert_same (kinds[i].format, disk, "raw", image);
      assert_mode (image, 0600);
      assert_mode (folder, 0700);

      struct stat file;
      const VbBackupDisk *entry = g_ptr_array_index (info->disks, 0);
      g_assert_cmpint (g_stat (image, &file), ==, 0);
      g_assert_cmpuint (entry->virtual_size_bytes, ==, kinds[i].size);
      g_assert_cmpuint (entry->size_bytes, ==, info->size_bytes);
      /* 7 MiB of random data in four places; the 3 MiB of zeros are not among it. */
      g_assert_cmpuint (info->size_bytes, >=, 7 * MIB);
      g_assert_cmpuint (info->size_bytes, <, 8 * MIB);
      g_assert_cmpuint ((guint64) file.st_blocks * 512, <, 8 * MIB + MIB / 2);
      g_assert_false (info->incremental);
    }
}

static void
test_list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) made = storage_lab_back_up (lab, capture);

  /* What does not belong there, and what is not complete, is not listed; it is not touched
   * either. */
  g_autofree char *foreign = g_build_filename (lab->pool_path, "lost+found", NULL);
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *empty = g_build_filename (lab->pool_path, lab->vps, id, NULL);
  g_autofree char *broken = g_build_filename (empty, "manifest.json", NULL);
  g_autofree char *link = g_build_filename (lab->pool_path, id, NULL);
  g_assert_cmpint (g_mkdir (foreign, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (empty, 0700), ==, 0);
  g_assert_true (g_file_set_contents (broken, "{\"format\": ", -1, NULL));
  g_assert_cmpint (symlink (lab->folder, link), ==, 0);

  g_autoptr (GPtrArray) list = vb_pool_list (lab->pool, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 1);
  const VbBackupInfo *info = g_ptr_array_index (list, 0);
  g_assert_cmpstr (info->id, ==, made->id);
  g_assert_cmpstr (info->vps, ==, lab->vps);
  g_assert_cmpstr (info->name, ==, "a name");
  g_assert_cmpstr (info->vps_name, ==, "a vps");
  g_assert_cmpuint (info->size_bytes, ==, made->size_bytes);
  g_assert_cmpint (info->consistency, ==, VB_CONSISTENCY_OFFLINE);
  g_assert_nonnull (info->completed_at);
  g_assert_cmpuint (info->disks->len, ==, 1);

  g_assert_true (vb_pool_rename (lab->pool, lab->vps, made->id, "ünïcode", &error));
  g_autoptr (GPtrArray) renamed = vb_pool_list (lab->pool, &error);
  info = g_ptr_array_index (renamed, 0);
  g_assert_cmpstr (info->name, ==, "ünïcode");
  g_assert_false (info->is_protected);
}

/* On whatever host looks at the pool next. */
static void
test_protect (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) made = storage_lab_back_up (lab, capture);

  for (int is_protected = 1; is_protected >= 0; is_protected--)
    {
      g_autoptr (VbPool) other = (VbPool *) vb_directory_pool_new (lab->pool_path, "0", &error);

      g_assert_true (vb_pool_protect (lab->pool, lab->vps, made->id, is_protected, &error));
      g_autoptr (GPtrArray) list = vb_pool_list (other, &error);
      const VbBackupInfo *info = g_ptr_array_index (list, 0);
      g_assert_cmpint (info->is_protected, ==, is_protected);
      g_assert_cmpstr (info->name, ==, made->name);
    }
  g_assert_false (vb_pool_protect (lab->pool, lab->vps, lab->vps, TRUE, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
}

static void
test_commit_twice (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);

  /* After a crash nobody knows whether the rename was done. */
  g_autoptr (GDateTime) completed = g_date_time_ref (info->completed_at);
  g_assert_true (vb_pool_commit (lab->pool, info, &error));
  g_assert_no_error (error);
  g_assert_true (g_date_time_equal (completed, info->completed_at));
}

static void
test_remove (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB, "");
  g_autoptr (VbCapture) one = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbCapture) two = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) first = storage_lab_back_up (lab, one);
  g_autoptr (VbBackupInfo) second = storage_lab_back_up (lab, two);
  g_autofree char *folder = g_build_filename (lab->pool_path, lab->vps, NULL);

  g_assert_true (vb_pool_remove (lab->pool, lab->vps, first->id, &error));
  g_assert_cmpuint (storage_lab_count (folder), ==, 1);
  g_assert_false (vb_pool_remove (lab->pool, lab->vps, first->id, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (vb_pool_remove (lab->pool, lab->vps, "../../etc", &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (vb_pool_remove (lab->pool, lab->vps, second->id, &error));
  g_assert_cmpuint (storage_lab_count (lab->pool_path), ==, 1); /* the marker */

  g_assert_true (vb_pool_discard (lab->pool, lab->vps, second->id, &error));
  g_assert_no_error (error);
}

static void
test_init (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StorageLab) lab = storage_lab_new ();
  VbPoolStatus status = { 0 };

  g_assert_true (vb_directory_pool_create (lab->pool_path, &error)); /* again */
  g_assert_false (vb_directory_pool_create (lab->folder, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (vb_directory_pool_new (lab->pool_path, "5 %", &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  g_assert_true (vb_pool_check (lab->pool, &status, &error));
  g_assert_cmpuint (status.total_bytes, >, 0);
  g_assert_cmpuint (status.free_bytes, >, 0);

  /* Another pool in its place is not ours, nor is the empty mount point below it. */
  g_autofree char *away = storage_lab_path (lab, "away");
  g_assert_cmpint (g_rename (lab->pool_path, away), ==, 0);
  g_assert_true (vb_directory_pool_create (lab->pool_path, &error));
  g_assert_false (vb_pool_check (lab->pool, &status, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
}

static void
test_gone (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB, "");
  g_autofree char *marker = g_build_filename (lab->pool_path, "vps-backup.json", NULL);
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) info = vb_backup_info_new (capture->backup, lab->vps);

  g_assert_cmpint (g_unlink (marker), ==, 0);
  g_assert_false (vb_pool_capture (lab->pool, capture, info, transfer, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
  g_clear_error (&error);
  g_assert_null (vb_pool_list (lab->pool, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
  g_assert_cmpuint (storage_lab_count (lab->pool_path), ==, 0);
}

static void
test_verify (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB + 512, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
  g_autofree char *image = storage_lab_file (lab, info->id, "vda.raw");
  g_autofree char *sums = storage_lab_file (lab, info->id, "vda.sums");
  guint64 bad = 99, done, total;

  g_assert_true (vb_pool_verify (lab->pool, lab->vps, info->id, transfer, &bad, &error));
  g_assert_cmpuint (bad, ==, 0);
  vb_transfer_get (transfer, &done, &total);
  g_assert_cmpuint (done, ==, total);
  g_assert_cmpuint (total, ==, info->size_bytes);

  storage_lab_flip (image, 9 * MIB);        /* in data */
  storage_lab_flip (image, 2 * MIB);        /* in a hole */
  storage_lab_flip (image, 32 * MIB + 511); /* the very last byte */
  g_assert_true (vb_pool_verify (lab->pool, lab->vps, info->id, transfer, &bad, &error));
  g_assert_cmpuint (bad, ==, 3);

  g_free (storage_lab_run ("fallocate --punch-hole --offset 10M --length 2M '%s'",
                           image)); /* data is lost */
  g_assert_true (vb_pool_verify (lab->pool, lab->vps, info->id, transfer, &bad, &error));
  g_assert_cmpuint (bad, ==, 5);

  storage_lab_flip (sums, 200);
  g_assert_true (vb_pool_verify (lab->pool, lab->vps, info->id, transfer, &bad, &error));
  g_assert_cmpuint (bad, ==, 33);

  /* Something else in its place is damage as well. */
  g_assert_cmpint (unlink (image), ==, 0);
  g_assert_cmpint (mkfifo (image, 0600), ==, 0);
  g_assert_true (vb_pool_verify (lab->pool, lab->vps, info->id, transfer, &bad, &error));
  g_assert_cmpuint (bad, ==, 33);
}

/* A capture in a thread of its own, so that things can happen to it. */
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

static void
assert_nothing_left (StorageLab *lab, const char *disk)
{
  g_autoptr (GPtrArray) list = vb_pool_list (lab->pool, NULL);
  g_assert_cmpuint (list->len, ==, 0);
  g_assert_cmpuint (storage_lab_count (lab->pool_path), ==, 1); /* the marker */
  g_assert_false (storage_lab_is_running (disk));
}

static void
test_cancel (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = storage_lab_disk (lab, "disk", "qcow2", 64 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "qcow2");
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, MIB);
  Attempt attempt = { lab, capture, transfer, NULL };

  GThread *thread = g_thread_new ("attempt", attempt_thread, &attempt);
  storage_lab_wait_moving (transfer);
  g_assert_true (vb_transfer_cancel (transfer));
  g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
  g_assert_error (attempt.error, VB_ERROR, VB_ERROR_CANCELLED);
  assert_nothing_left (lab, disk);
  g_clear_error (&attempt.error);
}

static gboolean
failing_tick (gpointer data, GError **error)
{
  guint *ticks = data;
  if (++*ticks < 2)
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE, "scratch");
  return FALSE;
}

/* The scratch file of a running VPS grows too large. */
static void
test_tick (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = storage_lab_disk (lab, "disk", "qcow2", 64 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "qcow2");
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, MIB);
  Attempt attempt = { lab, capture, transfer, NULL };
  guint ticks = 0;

  vb_transfer_set_tick (transfer, failing_tick, &ticks);
  g_assert_null (attempt_thread (&attempt));
  g_assert_error (attempt.error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE);
  assert_nothing_left (lab, disk);
  g_clear_error (&attempt.error);
}

static void
test_full (void)
{
  g_autofree char *mount_point = g_dir_make_tmp ("vps-backup-test-XXXXXX", NULL);
  if (!storage_lab_mount ("tmpfs", mount_point, "tmpfs", "size=16M"))
    return;
  g_autofree char *pool_path = g_build_filename (mount_point, "pool", NULL);
  g_autofree char *filler = g_build_filename (mount_point, "filler", NULL);
  g_autofree char *text = g_strnfill (12 * MIB, 'x');
  g_autoptr (StorageLab) lab = storage_lab_new_with_pool (pool_path, "1M");
  g_autofree char *disk = storage_lab_disk (lab, "disk", "qcow2", 64 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "qcow2");
  g_autoptr (VbTransfer) slow = vb_transfer_new (NULL, MIB);
  g_autoptr (VbTransfer) fast = vb_transfer_new (NULL, 0);
  Attempt attempt = { lab, capture, slow, NULL };

  /* It fits at first, but then somebody else fills the file system. */
  GThread *thread = g_thread_new ("attempt", attempt_thread, &attempt);
  storage_lab_wait_moving (slow);
  g_assert_true (
      g_file_set_contents_full (filler, text, 12 * MIB, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
  g_assert_error (attempt.error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE);
  assert_nothing_left (lab, disk);
  g_clear_error (&attempt.error);

  /* It does not fit: nothing is begun. */
  attempt.transfer = fast;
  g_assert_null (attempt_thread (&attempt));
  g_assert_error (attempt.error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE);
  g_clear_error (&attempt.error);
  g_assert_false (vb_pool_check_space (lab->pool, 4 * MIB, &attempt.error));
  g_assert_error (attempt.error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE);
  assert_nothing_left (lab, disk);
  g_clear_error (&attempt.error);

  /* It fits again, in spite of what failed before. */
  g_unlink (filler);
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
  g_assert_cmpuint (info->size_bytes, >, 0);
  umount (mount_point);
  g_rmdir (mount_point);
}

static void
test_two_disks (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *a = storage_lab_disk (lab, "a", "qcow2", 32 * MIB, "");
  g_autofree char *b = storage_lab_disk (lab, "b", "raw", 33 * MIB, "");
  g_autofree char *nvram = storage_lab_path (lab, "nvram");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, a, "qcow2");
  VbCaptureDisk *second = vb_capture_add_disk (capture, "vdb");
  second->path = g_strdup (b);
  second->chain = storage_lab_chain (b, "raw");
  second->format = g_strdup ("raw");
  capture->nvram_path = g_strdup (nvram);
  g_assert_true (g_file_set_contents (nvram, "variables", -1, NULL));

  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
  g_autofree char *image = storage_lab_file (lab, info->id, "vdb.raw");
  g_autofree char *kept = storage_lab_file (lab, info->id, "nvram.fd");
  g_autofree char *text = NULL;
  g_assert_cmpuint (info->disks->len, ==, 2);
  storage_lab_assert_same ("raw", b, "raw", image);
  g_assert_true (g_file_get_contents (kept, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "variables");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/directory-pool/protect", test_protect);
  g_test_add_func ("/directory-pool/capture", test_capture);
  g_test_add_func ("/directory-pool/list", test_list);
  g_test_add_func ("/directory-pool/commit-twice", test_commit_twice);
  g_test_add_func ("/directory-pool/remove", test_remove);
  g_test_add_func ("/directory-pool/init", test_init);
  g_test_add_func ("/directory-pool/gone", test_gone);
  g_test_add_func ("/directory-pool/verify", test_verify);
  g_test_add_func ("/directory-pool/cancel", test_cancel);
  g_test_add_func ("/directory-pool/tick", test_tick);
  g_test_add_func ("/directory-pool/full", test_full);
  g_test_add_func ("/directory-pool/two-disks", test_two_disks);
  return storage_lab_run_tests ();
}
