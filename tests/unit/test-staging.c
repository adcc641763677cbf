/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage-lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/qcow2/vb-qcow2-tables.h"

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
  { "qcow2", 40 * 1024 * 1024 + 512, "-o cluster_size=512" },
  { "qcow2", 40 * 1024 * 1024 + 512, "-o cluster_size=2M,lazy_refcounts=on" },
  { "qcow2", 64 * 1024 * 1024, "-o extended_l2=on,cluster_size=128k" },
  { "qcow2", 33 * 1024 * 1024, "-o compat=0.10" },
  { "qcow2", 33 * 1024 * 1024, "-o refcount_bits=1,compression_type=zstd" },
  { "qcow2", 33 * 1024 * 1024, "-o refcount_bits=64,cluster_size=1024" },
};

static char *
info_of (const char *format, const char *path, const char *what)
{
  g_autofree char *text = storage_lab_run ("qemu-img info -f %s '%s'", format, path);
  const char *found = strstr (text, what);
  return found ? g_strndup (found, strcspn (found, "\n")) : NULL;
}

static VbStaging *
stage (StorageLab *lab, const char *backup, const char *operation, GPtrArray *disks)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  guint64 done, total;

  g_assert_true (vb_pool_check_stage (lab->pool, lab->vps, backup, disks, &error));
  VbStaging *staging
      = vb_pool_stage (lab->pool, lab->vps, backup, operation, disks, transfer, &error);
  g_assert_no_error (error);
  vb_transfer_get (transfer, &done, &total);
  g_assert_cmpuint (total, >, 0);
  g_assert_cmpuint (done, ==, total);
  return staging;
}

static void
assert_layout (const char *old, const char *new)
{
  static const char *const what[]
      = { "cluster_size:",  "compat:",      "compression type:", "lazy refcounts:",
          "refcount bits:", "extended l2:", "virtual size:",     "corrupt:" };

  for (gsize i = 0; i < G_N_ELEMENTS (what); i++)
    {
      g_autofree char *a = info_of ("qcow2", old, what[i]);
      g_autofree char *b = info_of ("qcow2", new, what[i]);
      g_assert_cmpstr (a, ==, b);
    }
  g_free (storage_lab_run ("qemu-img check -q -f qcow2 '%s'", new));
}

static void
test_kinds (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (StorageLab) lab = storage_lab_new ();
      g_autoptr (GError) error = NULL;
      const char *format = kinds[i].format;
      g_autofree char *disk
          = storage_lab_disk (lab, "disk", format, kinds[i].size, kinds[i].options);
      g_autofree char *kept = g_strconcat (disk, ".kept", NULL);
      g_autofree char *operation = g_uuid_string_random ();
      g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", disk, format);

      g_test_message ("%s %s", format, kinds[i].options);
      g_free (storage_lab_run ("cp '%s' '%s'", disk, kept));
      g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, format);
      g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
      storage_lab_scribble (disk, format, MIB, 6 * MIB);
      g_assert_cmpint (g_chmod (disk, 0640), ==, 0);

      g_autoptr (VbStaging) staging = stage (lab, info->id, operation, disks);
      g_assert_false (vb_staging_is_swapped (staging));
      g_assert_true (vb_staging_swap (staging, NULL, &error));
      g_assert_true (vb_staging_is_swapped (staging));
      g_assert_true (vb_staging_finish (staging, &error));
      g_assert_no_error (error);
      storage_lab_assert_same (format, disk, format, kept);
      if (g_str_equal (format, "qcow2"))
        assert_layout (kept, disk);

      struct stat file;
      g_assert_cmpint (g_stat (disk, &file), ==, 0);
      g_assert_cmphex (file.st_mode & 07777, ==, 0640);
      g_assert_cmpuint ((guint64) file.st_blocks * 512, <, 20 * MIB);
      g_assert_cmpuint (storage_lab_count (lab->folder), ==, 3); /* pool, disk, kept */
    }
}

static void
test_undo (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *disk = storage_lab_disk (lab, "disk", "qcow2", 32 * MIB, "");
  g_autofree char *link = storage_lab_path (lab, "link");
  g_autofree char *kept = storage_lab_path (lab, "kept");
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "qcow2");
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);

  /* The path may be a symbolic link: what it points to is swapped, not the link. */
  g_assert_cmpint (symlink ("disk", link), ==, 0);
  g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", link, "qcow2");
  storage_lab_scribble (disk, "qcow2", MIB, 2 * MIB);
  g_free (storage_lab_run ("cp '%s' '%s'", disk, kept));

  g_autoptr (VbStaging) staging = stage (lab, info->id, operation, disks);
  g_assert_true (vb_staging_undo (staging, &error)); /* nothing yet */
  g_assert_true (vb_staging_swap (staging, NULL, &error));
  g_assert_true (vb_staging_swap (staging, NULL, &error)); /* again, as after a crash */
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));

  /* All that a crash leaves are the names. */
  g_autoptr (VbStaging) recovered = vb_pool_recover_staging (lab->pool, operation, disks, &error);
  g_assert_true (vb_staging_is_swapped (recovered));
  g_assert_true (vb_staging_undo (recovered, &error));
  g_assert_false (vb_staging_is_swapped (recovered));
  storage_lab_assert_same ("qcow2", disk, "qcow2", kept);
  g_assert_true (vb_staging_undo (recovered, &error));
  g_assert_true (vb_staging_swap (recovered, NULL, &error)); /* the new image is still there */
  g_assert_true (vb_staging_is_swapped (recovered));
  g_assert_true (vb_staging_undo (recovered, &error));
  g_assert_true (vb_staging_discard (recovered, &error));
  g_assert_true (vb_staging_discard (recovered, &error));
  storage_lab_assert_same ("qcow2", disk, "qcow2", kept);
  g_assert_cmpuint (storage_lab_count (lab->folder), ==, 4);

  g_autoptr (VbStaging) nothing = vb_pool_recover_staging (lab->pool, operation, disks, &error);
  g_assert_false (vb_staging_is_swapped (nothing));
  g_assert_true (vb_staging_undo (nothing, &error));
  g_assert_true (vb_staging_finish (nothing, &error));
  g_assert_true (vb_staging_discard (nothing, &error));
  g_assert_no_error (error);
}

static void
test_crash_between_link_and_rename (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB, "");
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", disk, "raw");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
  g_autoptr (VbStaging) staging = stage (lab, info->id, operation, disks);
  g_autofree char *old = g_strdup_printf ("%s/.disk.vps-backup.%s.old", lab->folder, operation);

  g_assert_cmpint (link (disk, old), ==, 0);
  g_autoptr (VbStaging) recovered = vb_pool_recover_staging (lab->pool, operation, disks, &error);
  g_assert_false (vb_staging_is_swapped (recovered));
  g_assert_true (vb_staging_undo (recovered, &error));
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
  g_assert_cmpint (link (disk, old), ==, 0);
  g_assert_true (vb_staging_swap (recovered, NULL, &error));
  g_assert_true (vb_staging_is_swapped (recovered));
  g_assert_no_error (error);
}

static void
test_two_disks (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *a = storage_lab_disk (lab, "a", "qcow2", 32 * MIB, "");
  g_autofree char *b = storage_lab_disk (lab, "b", "raw", 33 * MIB, "");
  g_autofree char *a_kept = storage_lab_path (lab, "a.kept");
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, a, "qcow2");
  VbCaptureDisk *second = vb_capture_add_disk (capture, "vdb");
  second->path = g_strdup (b);
  second->chain = storage_lab_chain (b, "raw");
  second->format = g_strdup ("raw");
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
  g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", a, "qcow2");

  g_assert_false (vb_pool_check_stage (lab->pool, lab->vps, info->id, disks, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_DISK_MISSING);
  g_clear_error (&error);
  g_ptr_array_add (disks, vb_disk_new ("vdb", b, "raw"));
  g_ptr_array_add (disks, vb_disk_new ("vdc", a_kept, "raw")); /* the backup lacks it: left alone */

  storage_lab_scribble (a, "qcow2", 0, MIB);
  g_free (storage_lab_run ("cp '%s' '%s'", a, a_kept));
  g_autoptr (VbStaging) staging = stage (lab, info->id, operation, disks);

  /* The second swap fails: the first one is undone. */
  g_autofree char *new_b = g_strdup_printf ("%s/.b.vps-backup.%s.new", lab->folder, operation);
  g_assert_cmpint (g_unlink (new_b), ==, 0);
  g_assert_false (vb_staging_swap (staging, NULL, &error));
  g_assert_false (vb_staging_is_swapped (staging));
  storage_lab_assert_same ("qcow2", a, "qcow2", a_kept);
  g_assert_true (vb_staging_discard (staging, NULL));
  g_assert_cmpuint (storage_lab_count (lab->folder), ==, 4);
}

static void
test_grown (void)
{
  for (guint i = 0; i < 2; i++)
    {
      const char *format = i == 0 ? "raw" : "qcow2";
      g_autoptr (StorageLab) lab = storage_lab_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *disk = storage_lab_disk (lab, "disk", format, 32 * MIB + 512, "");
      g_autofree char *kept = storage_lab_path (lab, "kept");
      g_autofree char *operation = g_uuid_string_random ();
      g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", disk, format);
      g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, format);
      g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);

      g_free (storage_lab_run ("cp '%s' '%s'", disk, kept));
      g_free (storage_lab_run ("qemu-img resize -q -f %s '%s' 40M", format, disk));
      storage_lab_scribble (disk, format, 35 * MIB, MIB);
      g_autoptr (VbStaging) staging = stage (lab, info->id, operation, disks);
      g_assert_true (vb_staging_swap (staging, NULL, &error));
      g_autofree char *size = info_of (format, disk, "virtual size:");
      g_assert_cmpstr (size, ==, "virtual size: 40 MiB (41943040 bytes)");
      g_free (storage_lab_run ("qemu-img resize -q -f %s '%s' 40M", format, kept));
      storage_lab_assert_same (format, disk, format, kept);
    }
}

static void
test_mismatch (void)
{
  /* In data, in a hole, in the very last byte, and data that has become a hole. */
  static const guint64 places[] = { 9 * 1024 * 1024, 2 * 1024 * 1024, 32 * 1024 * 1024 + 511, 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (StorageLab) lab = storage_lab_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
      g_autofree char *disk = storage_lab_disk (lab, "disk", "qcow2", 32 * MIB + 512, "");
      g_autofree char *operation = g_uuid_string_random ();
      g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", disk, "qcow2");
      g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "qcow2");
      g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);
      g_autofree char *image = storage_lab_file (lab, info->id, "vda.raw");

      if (places[i] > 0)
        storage_lab_flip (image, places[i]);
      else
        g_free (storage_lab_run ("fallocate --punch-hole --offset 9M --length 1M '%s'", image));
      g_assert_null (
          vb_pool_stage (lab->pool, lab->vps, info->id, operation, disks, transfer, &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH);
      g_assert_cmpuint (storage_lab_count (lab->folder), ==, 2); /* pool and disk */
    }
}

static void
test_cancel (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autofree char *disk = storage_lab_disk (lab, "disk", "raw", 32 * MIB, "");
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", disk, "raw");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "raw");
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab, capture);

  g_autoptr (VbTransfer) slow = vb_transfer_new (NULL, 65536); /* it would take two minutes */
  g_assert_true (vb_transfer_cancel (slow));
  g_assert_null (vb_pool_stage (lab->pool, lab->vps, info->id, operation, disks, slow, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CANCELLED);
  g_assert_cmpuint (storage_lab_count (lab->folder), ==, 2);
}

/* Many more tables than are kept in memory, each set in two parts with all others in between: none
 * forgets its first part. */
static void
test_tables (void)
{
  enum
  {
    TABLES = 50,
    TABLE_BYTES = 65536,
    FIRST = TABLE_BYTES / 2 + 8,
    SECOND = TABLE_BYTES - FIRST
  };
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = storage_lab_path (lab, "tables");
  g_autofree guint8 *part = g_malloc (FIRST);
  g_autofree char *text = NULL;
  gsize length;

  int fd = g_open (path, O_CREAT | O_EXCL | O_RDWR, 0600);
  g_assert_cmpint (ftruncate (fd, TABLES * TABLE_BYTES), ==, 0);
  g_autoptr (VbSparseFile) file = vb_sparse_file_new (fd);
  g_autoptr (VbQcow2Tables) tables = vb_qcow2_tables_new (file, TABLE_BYTES);
  for (guint i = 0; i < 2 * TABLES; i++)
    {
      guint64 table = (guint64) (i % TABLES) * TABLE_BYTES;
      gboolean first = i < TABLES;
      memset (part, (int) (i + 1), FIRST);
      g_assert_true (vb_qcow2_tables_set (tables, table, first ? 0 : FIRST, part,
                                          first ? FIRST : SECOND, &error));
    }
  g_assert_true (vb_qcow2_tables_flush (tables, &error));

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  g_assert_cmpuint (length, ==, TABLES * TABLE_BYTES);
  for (gsize at = 0; at < length; at += 8)
    {
      gsize i = at / TABLE_BYTES + (at % TABLE_BYTES < FIRST ? 0 : TABLES);
      g_assert_cmpuint ((guint8) text[at], ==, i + 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/kinds", test_kinds);
  g_test_add_func ("/staging/undo", test_undo);
  g_test_add_func ("/staging/crash-between-link-and-rename", test_crash_between_link_and_rename);
  g_test_add_func ("/staging/two-disks", test_two_disks);
  g_test_add_func ("/staging/grown", test_grown);
  g_test_add_func ("/staging/mismatch", test_mismatch);
  g_test_add_func ("/staging/cancel", test_cancel);
  g_test_add_func ("/staging/tables", test_tables);
  return storage_lab_run_tests ();
}
