/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A copy that is interrupted goes on where it was. */
#include "storage-lab.h"

typedef struct
{
  StorageLab *lab;
  const VbCapture *capture;
  VbTransfer *transfer;
  VbBackupInfo *info;
  GError *error;
} Run;

static gpointer
run_thread (gpointer data)
{
  Run *run = data;
  return GINT_TO_POINTER (
      vb_pool_capture (run->lab->pool, run->capture, run->info, run->transfer, &run->error));
}

/* The disk does not change, so that it is at the same point in time for every run. */
static VbCapture *
lasting_capture (StorageLab *lab, const char *disk)
{
  VbCapture *capture = storage_lab_capture (lab, disk, "qcow2");
  capture->running = TRUE;
  return capture;
}

static void
add_disk (VbCapture *capture, const char *target, const char *path)
{
  VbCaptureDisk *disk = vb_capture_add_disk (capture, target);
  disk->path = g_strdup (path);
  disk->chain = storage_lab_chain (path, "qcow2");
  disk->format = g_strdup ("qcow2");
}

/* Copies slowly and suspends the copy once it has done some of it. */
static guint64
copy_some (StorageLab *lab, const VbCapture *capture, guint64 bytes)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 100 * MIB);
  Run run = { lab, capture, transfer, vb_backup_info_new (capture->backup, lab->vps), NULL };
  gint64 deadline = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
  guint64 done = 0, total;

  GThread *thread = g_thread_new ("run", run_thread, &run);
  while (done < bytes)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (1000);
      vb_transfer_get (transfer, &done, &total);
    }
  g_assert_true (vb_transfer_suspend (transfer));
  g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
  g_assert_error (run.error, VB_ERROR, VB_ERROR_INTERRUPTED);
  g_clear_error (&run.error);
  vb_backup_info_free (run.info);
  vb_transfer_get (transfer, &done, &total);
  return done;
}

static VbBackupInfo *
go_on (StorageLab *lab, VbCapture *capture, guint64 *first_done)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  Run run = { lab, capture, transfer, vb_backup_info_new (capture->backup, lab->vps), NULL };
  guint64 done, total;

  capture->resumed = TRUE;
  run.info->name = g_strdup ("a name");
  run.info->vps_name = g_strdup ("a vps");
  GThread *thread = g_thread_new ("run", run_thread, &run);
  g_thread_join (thread);
  g_assert_no_error (run.error);
  vb_transfer_get (transfer, &done, &total);
  g_assert_cmpuint (done, ==, total);
  *first_done = total;
  g_assert_true (vb_pool_commit (lab->pool, run.info, &run.error));
  g_assert_no_error (run.error);
  return run.info;
}

static guint64
count_bad (StorageLab *lab, const char *backup)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  guint64 bad = 99;

  vb_pool_verify (lab->pool, lab->vps, backup, transfer, &bad, &error);
  g_assert_no_error (error);
  return bad;
}

static char *
partial_file (StorageLab *lab, const VbCapture *capture, const char *name)
{
  g_autofree char *folder = g_strdup_printf (".%s.partial", capture->backup);
  return storage_lab_file (lab, folder, name);
}

static char *
full_disk (StorageLab *lab, const char *name)
{
  char *disk = storage_lab_disk (lab, name, "qcow2", 64 * MIB + 512, "");
  storage_lab_scribble (disk, "qcow2", 0, 40 * MIB);
  return disk;
}

static void
test_goes_on (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = full_disk (lab, "disk");
  g_autoptr (VbCapture) capture = lasting_capture (lab, disk);
  guint64 total;

  guint64 done = copy_some (lab, capture, 20 * MIB);
  g_autofree char *image = partial_file (lab, capture, "vda.raw");
  g_autofree char *mark = partial_file (lab, capture, "vda.mark");
  g_assert_true (g_file_test (mark, G_FILE_TEST_EXISTS));
  /* What lies behind the mark may be anything; what lies before it is not read again, as this
   * damage shows. */
  storage_lab_scribble (image, "raw", 40 * MIB, 5 * MIB);
  storage_lab_flip (image, 3 * MIB + 17);
  g_free (capture->domain_xml);
  capture->domain_xml = g_strdup ("<domain>of later</domain>");
  g_autoptr (VbBackupInfo) info = go_on (lab, capture, &total);

  g_assert_cmpuint (done, <, total);
  g_assert_cmpuint (total, >=, 40 * MIB);
  g_assert_cmpuint (count_bad (lab, info->id), ==, 1);
  g_autofree char *copy = storage_lab_file (lab, info->id, "vda.raw");
  storage_lab_flip (copy, 3 * MIB + 17);
  storage_lab_assert_same ("qcow2", disk, "raw", copy);
  g_assert_cmpuint (count_bad (lab, info->id), ==, 0);
  g_assert_cmpuint (info->size_bytes, >=, 40 * MIB);
  g_assert_cmpuint (info->size_bytes, <, 48 * MIB);

  /* The definition is that of the point in time, and nothing but the backup is left. */
  g_autofree char *xml = storage_lab_file (lab, info->id, "domain.xml");
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (xml, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "<domain/>\n");
  g_autofree char *folder = storage_lab_file (lab, info->id, NULL);
  g_assert_cmpuint (storage_lab_count (folder), ==, 4);
}

static void
test_second_disk (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *one = full_disk (lab, "one");
  g_autofree char *two = full_disk (lab, "two");
  g_autoptr (VbCapture) capture = lasting_capture (lab, one);
  guint64 total;

  add_disk (capture, "vdb", two);
  copy_some (lab, capture, 60 * MIB);
  copy_some (lab, capture,
             60 * MIB); /* and from the beginning, since it is not marked as resumed */
  g_autofree char *first = partial_file (lab, capture, "vda.raw");
  storage_lab_flip (first, 50);
  g_autoptr (VbBackupInfo) info = go_on (lab, capture, &total);
  g_assert_cmpuint (total, >=, 80 * MIB);
  g_assert_cmpuint (info->disks->len, ==, 2);
  g_autofree char *first_copy = storage_lab_file (lab, info->id, "vda.raw");
  g_autofree char *second_copy = storage_lab_file (lab, info->id, "vdb.raw");
  g_assert_cmpuint (count_bad (lab, info->id), ==, 1);
  storage_lab_flip (first_copy, 50);
  storage_lab_assert_same ("qcow2", one, "raw", first_copy);
  storage_lab_assert_same ("qcow2", two, "raw", second_copy);
}

/* Whatever a crash has made of what was left: a whole backup comes of it. */
static void
test_damaged_rest (void)
{
  static const struct
  {
    const char *name;
    gboolean remove;
  } cases[] = {
    { "vda.mark", FALSE },  { "vda.mark", TRUE }, { "vda.raw", TRUE },
    { "domain.xml", TRUE }, { NULL, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (StorageLab) lab = storage_lab_new ();
      g_autofree char *disk = full_disk (lab, "disk");
      g_autoptr (VbCapture) capture = lasting_capture (lab, disk);
      guint64 total;

      copy_some (lab, capture, 10 * MIB);
      g_autofree char *path = partial_file (lab, capture, cases[i].name);
      if (cases[i].remove)
        g_free (storage_lab_run ("rm -r '%s'", path));
      else
        storage_lab_flip (path, 60);
      g_autoptr (VbBackupInfo) info = go_on (lab, capture, &total);
      g_autofree char *copy = storage_lab_file (lab, info->id, "vda.raw");
      storage_lab_assert_same ("qcow2", disk, "raw", copy);
      g_assert_cmpuint (count_bad (lab, info->id), ==, 0);
    }
}

/* Without a point in time that stays there is nothing to go on with, and nothing is kept. */
static void
test_shut_off (void)
{
  g_autoptr (StorageLab) lab = storage_lab_new ();
  g_autofree char *disk = full_disk (lab, "disk");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab, disk, "qcow2");

  copy_some (lab, capture, 10 * MIB);
  g_assert_cmpuint (storage_lab_count (lab->pool_path), ==, 1);
  g_assert_false (storage_lab_is_running (disk));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/resume/goes-on", test_goes_on);
  g_test_add_func ("/resume/second-disk", test_second_disk);
  g_test_add_func ("/resume/damaged-rest", test_damaged_rest);
  g_test_add_func ("/resume/shut-off", test_shut_off);
  return storage_lab_run_tests ();
}
