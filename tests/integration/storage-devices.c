/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Restores onto block devices, which are overwritten in place. */
#include "../unit/storage-lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  StorageLab *lab;
  char *file;   /* behind the device */
  char *device; /* (nullable): a loop device */
  char *kept;
  char *operation;
  VbBackupInfo *info;
  GPtrArray *disks;
} Fixture;

static void
make_device (Fixture *fixture, guint64 size)
{
  fixture->file = storage_lab_disk (fixture->lab, "device", "raw", size, "");
  fixture->device = g_strchomp (storage_lab_run ("losetup --find --show '%s'", fixture->file));
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->lab = storage_lab_new ();
  if (geteuid () != 0 || !storage_lab_try ("losetup --find"))
    {
      g_test_skip ("needs root and loop devices");
      return;
    }
  make_device (fixture, 48 * MIB);
  fixture->kept = storage_lab_path (fixture->lab, "kept");
  fixture->operation = g_uuid_string_random ();
  g_free (storage_lab_run ("cp '%s' '%s'", fixture->file, fixture->kept));

  g_autoptr (VbCapture) capture = storage_lab_capture (fixture->lab, fixture->device, "raw");
  fixture->info = storage_lab_back_up (fixture->lab, capture);
  fixture->disks = storage_lab_disks ("vda", fixture->device, "raw");
  ((VbDisk *) g_ptr_array_index (fixture->disks, 0))->is_block = TRUE;
  /* Other data over data, over holes, and at the end. */
  storage_lab_scribble (fixture->device, "raw", 2 * MIB, 15 * MIB);
  storage_lab_scribble (fixture->device, "raw", 47 * MIB, MIB);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  if (fixture->device)
    g_free (storage_lab_run ("losetup --detach '%s'", fixture->device));
  g_clear_pointer (&fixture->disks, g_ptr_array_unref);
  g_clear_pointer (&fixture->info, vb_backup_info_free);
  g_free (fixture->file);
  g_free (fixture->device);
  g_free (fixture->kept);
  g_free (fixture->operation);
  storage_lab_free (fixture->lab);
}

static VbStaging *
stage (Fixture *fixture, GError **error)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  return vb_pool_stage (fixture->lab->pool, fixture->lab->vps, fixture->info->id,
                        fixture->operation, fixture->disks, transfer, error);
}

static gboolean
is_noted (Fixture *fixture)
{
  g_autofree char *note
      = g_strdup_printf ("%s/.restore.%s.json", fixture->lab->pool_path, fixture->operation);
  return g_file_test (note, G_FILE_TEST_EXISTS);
}

/* An image inside a device cannot be written from outside. */
static void
test_refused (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  VbDisk *disk = g_ptr_array_index (fixture->disks, 0);
  g_free (disk->format);
  disk->format = g_strdup ("qcow2");
  g_assert_false (vb_pool_check_stage (fixture->lab->pool, fixture->lab->vps, fixture->info->id,
                                       fixture->disks, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK);
  g_clear_error (&error);
  g_assert_null (stage (fixture, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK);
}

static void
test_write (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  g_assert_true (vb_pool_check_stage (fixture->lab->pool, fixture->lab->vps, fixture->info->id,
                                      fixture->disks, &error));
  g_autoptr (VbStaging) staging = stage (fixture, &error);
  g_assert_no_error (error);
  g_assert_true (is_noted (fixture));
  g_assert_false (vb_staging_is_swapped (staging));
  g_assert_true (vb_staging_is_in_place (staging));
  g_assert_true (vb_staging_can_undo (staging));
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  guint64 done, total;
  g_assert_true (vb_staging_swap (staging, transfer, &error));
  g_assert_no_error (error);
  g_assert_true (vb_staging_is_swapped (staging));
  g_assert_false (vb_staging_can_undo (staging));
  vb_transfer_get (transfer, &done, &total);
  g_assert_cmpuint (done, ==, total);
  g_assert_cmpuint (total, >, 0);
  storage_lab_assert_same ("raw", fixture->device, "raw", fixture->kept);
  g_assert_false (vb_staging_undo (staging, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_TOO_LATE);
  g_clear_error (&error);
  g_assert_true (vb_staging_finish (staging, &error));
  g_assert_false (is_noted (fixture));
}

static void
test_discard (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  g_autofree char *before = storage_lab_run ("cksum '%s'", fixture->device);
  g_autoptr (VbStaging) staging = stage (fixture, &error);
  g_assert_no_error (error);
  g_autoptr (VbStaging) recovered
      = vb_pool_recover_staging (fixture->lab->pool, fixture->operation, fixture->disks, &error);
  g_assert_no_error (error);
  g_assert_true (vb_staging_undo (recovered, &error));
  g_assert_true (vb_staging_discard (recovered, &error));
  g_assert_false (is_noted (fixture));
  g_autofree char *after = storage_lab_run ("cksum '%s'", fixture->device);
  g_assert_cmpstr (before, ==, after);

  g_autoptr (VbStaging) nothing
      = vb_pool_recover_staging (fixture->lab->pool, fixture->operation, fixture->disks, &error);
  g_assert_false (vb_staging_is_swapped (nothing));
  g_assert_true (vb_staging_undo (nothing, &error));
  g_assert_true (vb_staging_finish (nothing, &error));
  g_assert_true (vb_staging_discard (nothing, &error));
  g_assert_no_error (error);
}

/* Half overwritten: there is no way back, and whoever comes after a crash can complete it. */
static void
test_half (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  g_autoptr (VbStaging) staging = stage (fixture, &error);
  g_assert_no_error (error);
  g_autofree char *image = storage_lab_file (fixture->lab, fixture->info->id, "vda.raw");
  storage_lab_flip (image, 26 * MIB);
  g_assert_false (vb_staging_swap (staging, NULL, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH);
  g_clear_error (&error);
  g_assert_false (vb_staging_is_swapped (staging));
  g_assert_false (vb_staging_undo (staging, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_TOO_LATE);
  g_clear_error (&error);
  g_assert_false (vb_staging_discard (staging, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_TOO_LATE);
  g_clear_error (&error);

  storage_lab_flip (image, 26 * MIB);
  g_autoptr (VbStaging) recovered
      = vb_pool_recover_staging (fixture->lab->pool, fixture->operation, fixture->disks, &error);
  g_assert_no_error (error);
  g_assert_false (vb_staging_is_swapped (recovered));
  g_assert_false (vb_staging_undo (recovered, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_TOO_LATE);
  g_clear_error (&error);
  g_assert_true (vb_staging_swap (recovered, NULL, &error));
  g_assert_true (vb_staging_is_swapped (recovered));
  storage_lab_assert_same ("raw", fixture->device, "raw", fixture->kept);
  g_assert_true (vb_staging_finish (recovered, &error));
  g_assert_no_error (error);
}

/* Without the pool nobody knows how far it has come, so nobody may say that there is nothing. */
/* mknod NODE: makes it the device that another name stands for */
static void
make_node (const char *node, const char *device)
{
  struct stat info;

  unlink (node);
  g_assert_cmpint (stat (device, &info), ==, 0);
  g_assert_cmpint (mknod (node, S_IFBLK | 0600, info.st_rdev), ==, 0);
}

/* The name has come to mean another device while the VPS was stopped. */
static void
test_swapped (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  g_autofree char *node = storage_lab_path (fixture->lab, "node");
  g_autofree char *other_file = storage_lab_disk (fixture->lab, "other", "raw", 48 * MIB, "");
  g_autofree char *other = g_strchomp (storage_lab_run ("losetup --find --show '%s'", other_file));
  VbDisk *disk = g_ptr_array_index (fixture->disks, 0);
  make_node (node, fixture->device);
  g_free (disk->path);
  disk->path = g_strdup (node);
  g_autoptr (VbStaging) staging = stage (fixture, &error);
  g_assert_no_error (error);

  g_autofree char *before = storage_lab_run ("sha256sum '%s'", other);
  make_node (node, other);
  g_assert_false (vb_staging_swap (staging, NULL, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_DISK_MISSING);
  g_assert_true (vb_staging_can_undo (staging));
  g_autofree char *after = storage_lab_run ("sha256sum '%s'", other);
  g_assert_cmpstr (before, ==, after);

  g_clear_error (&error);
  make_node (node, fixture->device);
  g_assert_true (vb_staging_swap (staging, NULL, &error));
  g_assert_no_error (error);
  g_free (storage_lab_run ("cmp '%s' '%s'", fixture->kept, fixture->device));
  g_free (storage_lab_run ("losetup --detach '%s'", other));
}

static void
test_pool_gone (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  g_autofree char *away = storage_lab_path (fixture->lab, "away");
  g_assert_cmpint (g_rename (fixture->lab->pool_path, away), ==, 0);
  g_assert_null (
      vb_pool_recover_staging (fixture->lab->pool, fixture->operation, fixture->disks, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
  g_assert_cmpint (g_rename (away, fixture->lab->pool_path), ==, 0);
}

/* What the note names is overwritten only if it is this VPS's own. */
static void
test_foreign_note (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  g_autoptr (VbStaging) staging = stage (fixture, &error);
  g_assert_no_error (error);
  VbDisk *disk = g_ptr_array_index (fixture->disks, 0);
  g_free (disk->target);
  disk->target = g_strdup ("vdz");
  g_assert_null (
      vb_pool_recover_staging (fixture->lab->pool, fixture->operation, fixture->disks, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_DISK_MISSING);
}

static void
resize_device (Fixture *fixture, const char *size)
{
  g_free (storage_lab_run ("truncate -s %s '%s'", size, fixture->file));
  g_free (storage_lab_run ("losetup --set-capacity '%s'", fixture->device));
}

static void
test_sizes (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  resize_device (fixture, "47M");
  g_assert_null (stage (fixture, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE);
  g_clear_error (&error);

  /* Grown: what the backup does not know was nothing then. */
  resize_device (fixture, "50M");
  storage_lab_scribble (fixture->device, "raw", 49 * MIB, MIB);
  g_free (storage_lab_run ("truncate -s 50M '%s'", fixture->kept));
  g_autoptr (VbStaging) staging = stage (fixture, &error);
  g_assert_no_error (error);
  g_assert_true (vb_staging_swap (staging, NULL, &error));
  storage_lab_assert_same ("raw", fixture->device, "raw", fixture->kept);
  g_assert_true (vb_staging_finish (staging, &error));
}

/* A file and a device: when the device cannot be begun with, the file is as before. */
static void
test_mixed (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (fixture->device == NULL)
    return;
  g_autofree char *disk = storage_lab_disk (fixture->lab, "disk", "qcow2", 32 * MIB, "");
  g_autofree char *disk_kept = storage_lab_path (fixture->lab, "disk.kept");
  g_autofree char *disk_now = storage_lab_path (fixture->lab, "disk.now");
  g_autofree char *away = storage_lab_path (fixture->lab, "away");
  g_free (storage_lab_run ("cp '%s' '%s'", fixture->device, fixture->kept));
  g_free (storage_lab_run ("cp '%s' '%s'", disk, disk_kept));
  g_autoptr (VbCapture) capture = storage_lab_capture (fixture->lab, fixture->device, "raw");
  VbCaptureDisk *second = vb_capture_add_disk (capture, "vdb");
  second->path = g_strdup (disk);
  second->chain = storage_lab_chain (disk, "qcow2");
  second->format = g_strdup ("qcow2");
  g_clear_pointer (&fixture->info, vb_backup_info_free);
  fixture->info = storage_lab_back_up (fixture->lab, capture);
  g_ptr_array_add (fixture->disks, vb_disk_new ("vdb", disk, "qcow2"));
  storage_lab_scribble (disk, "qcow2", MIB, MIB);
  g_free (storage_lab_run ("cp '%s' '%s'", disk, disk_now));
  storage_lab_scribble (fixture->device, "raw", MIB, MIB);

  g_autoptr (VbStaging) staging = stage (fixture, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_rename (fixture->lab->pool_path, away), ==, 0);
  g_assert_false (vb_staging_swap (staging, NULL, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
  g_clear_error (&error);
  storage_lab_assert_same ("qcow2", disk, "qcow2", disk_now);

  g_assert_cmpint (g_rename (away, fixture->lab->pool_path), ==, 0);
  g_assert_true (vb_staging_swap (staging, NULL, &error));
  g_assert_true (vb_staging_is_swapped (staging));
  storage_lab_assert_same ("qcow2", disk, "qcow2", disk_kept);
  storage_lab_assert_same ("raw", fixture->device, "raw", fixture->kept);
  g_assert_true (vb_staging_finish (staging, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture *fixture, gconstpointer unused);
  } tests[] = {
    { "/devices/refused", test_refused },     { "/devices/write", test_write },
    { "/devices/discard", test_discard },     { "/devices/half", test_half },
    { "/devices/sizes", test_sizes },         { "/devices/mixed", test_mixed },
    { "/devices/pool-gone", test_pool_gone }, { "/devices/foreign-note", test_foreign_note },
    { "/devices/swapped", test_swapped },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].func, tear_down);
  return storage_lab_run_tests ();
}
