/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The storage layer alone against qemu-img, in turns, so that a noisy machine disturbs all alike:
 *
 *   storage_bench [--folder DIR] [--rounds N] [--gibibytes N] [--data-mib N] [--pieces N] [--only WORDS]
 *
 * Makes a qcow2 disk, copies it into a pool (through qemu-nbd, as for a VPS that is shut off) and stages it back,
 * and prints the seconds of each, the median and its ratio to qemu-img. Ours include all syncs; qemu-img is
 * shown without and with a sync of what it has written. */
#include "../unit/storage-lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define MAX_ROUNDS 64
#define PIECE_MIB 22
#define CHANGE_MIB 20
#define BITMAP "changes"

static char *folder;
static int rounds = 5;
static int pieces = 1;
static int gibibytes = 10;
static int data_mib = 2640;
static char *only;

static const GOptionEntry options[] = {
  { "folder", 0, 0, G_OPTION_ARG_FILENAME, &folder, "where to work (default: a temporary folder)",
    "DIR" },
  { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "how often each is measured (default 5)", "N" },
  { "gibibytes", 0, 0, G_OPTION_ARG_INT, &gibibytes, "size of the disk (default 10)", "N" },
  { "data-mib", 0, 0, G_OPTION_ARG_INT, &data_mib, "data on it (default 2640)", "N" },
  { "pieces", 0, 0, G_OPTION_ARG_INT, &pieces,
    "into which the change of 20 MiB is split (default 1)", "N" },
  { "only", 0, 0, G_OPTION_ARG_STRING, &only, "measure rows with these words alone", "WORDS" },
  { NULL },
};

typedef struct
{
  StorageLab *lab;
  char *disk;
  char *copy;
  VbBackupInfo *info;
  gboolean was_incremental;
} Bench;

typedef void (*Subject) (Bench *bench);

/* The data lies in pieces all over the disk, this many bytes from one to the next. */
static guint64
data_step (void)
{
  return (guint64) gibibytes * 1024 * PIECE_MIB / (guint64) MAX (data_mib, 1) * MIB;
}

static void
make_disk (Bench *bench)
{
  bench->disk = storage_lab_path (bench->lab, "disk");
  g_free (storage_lab_run ("qemu-img create -q -f qcow2 '%s' %dG", bench->disk, gibibytes));
  for (guint64 done = 0, at = 0; done < (guint64) data_mib; done += PIECE_MIB, at += data_step ())
    storage_lab_scribble (bench->disk, "qcow2", at, PIECE_MIB * MIB);
}

static void
sync_file (const char *path)
{
  int fd = g_open (path, O_RDWR, 0);
  g_assert_cmpint (fsync (fd), ==, 0);
  close (fd);
}

static void
forget_file (const char *path)
{
  int fd = g_open (path, O_RDWR, 0);
  g_assert_cmpint (fsync (fd), ==, 0);
  posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
  close (fd);
}

static void
convert_raw (Bench *bench)
{
  g_free (storage_lab_run ("qemu-img convert -W -m 8 -f qcow2 -O raw '%s' '%s'", bench->disk,
                           bench->copy));
}

static void
convert_raw_sync (Bench *bench)
{
  convert_raw (bench);
  sync_file (bench->copy);
}

static void
back_up (Bench *bench)
{
  g_autoptr (VbCapture) capture = storage_lab_capture (bench->lab, bench->disk, "qcow2");
  bench->info = storage_lab_back_up (bench->lab, capture);
}

static void
convert_qcow2 (Bench *bench)
{
  g_autofree char *image = storage_lab_file (bench->lab, bench->info->id, "vda.raw");
  g_free (
      storage_lab_run ("qemu-img convert -W -m 8 -f raw -O qcow2 '%s' '%s'", image, bench->copy));
}

static void
convert_qcow2_sync (Bench *bench)
{
  convert_qcow2 (bench);
  sync_file (bench->copy);
}

static void
stage (Bench *bench)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autoptr (GPtrArray) disks = storage_lab_disks ("vda", bench->disk, "qcow2");
  g_autoptr (VbStaging) staging = vb_pool_stage (bench->lab->pool, bench->lab->vps, bench->info->id,
                                                 operation, disks, transfer, &error);
  g_assert_no_error (error);
  g_assert_true (vb_staging_discard (staging, NULL));
}

/* Changes 20 MiB in as many pieces as wished, evenly spread over the data. */
static void
change (Bench *bench)
{
  g_autoptr (GString) command = g_string_new ("qemu-io -f qcow2");
  guint64 piece = CHANGE_MIB * MIB / (guint64) pieces,
          step = (guint64) data_mib * MIB / (guint64) pieces;

  for (int i = 0; i < pieces; i++)
    {
      guint64 data = (guint64) i * step / (64 * 1024) * (64 * 1024);
      guint64 offset = data / (PIECE_MIB * MIB) * data_step () + data % (PIECE_MIB * MIB);
      g_string_append_printf (command,
                              " -c 'write -q -P %d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "'",
                              g_random_int_range (1, 255), offset, piece);
    }
  g_string_append_printf (command, " '%s'", bench->disk);
  g_free (storage_lab_run ("%s", command->str));
}

/* Copies only what change() has changed. Needs a bitmap, and a pool that shares extents. */
static void
repeat (Bench *bench)
{
  g_autoptr (VbCapture) capture = storage_lab_capture (bench->lab, bench->disk, "qcow2");
  VbCaptureDisk *disk = g_ptr_array_index (capture->disks, 0);
  capture->base_backup = g_strdup (bench->info->id);
  disk->changed_context = g_strdup (BITMAP);
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (bench->lab, capture);
  bench->was_incremental = info->incremental;
  g_assert_true (vb_pool_remove (bench->lab->pool, bench->lab->vps, info->id, NULL));
}

static void
verify (Bench *bench)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  guint64 bad;
  g_assert_true (
      vb_pool_verify (bench->lab->pool, bench->lab->vps, bench->info->id, transfer, &bad, NULL));
  g_assert_cmpuint (bad, ==, 0);
}

/* The disk, and the image of the last backup, are in the page cache or not. */
static void
settle (Bench *bench, gboolean cold)
{
  g_autofree char *image
      = bench->info ? storage_lab_file (bench->lab, bench->info->id, "vda.raw") : NULL;
  const char *paths[] = { bench->disk, image };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    if (paths[i] && cold)
      forget_file (paths[i]);
    else if (paths[i])
      g_free (storage_lab_run ("dd if='%s' of=/dev/null bs=1M status=none", paths[i]));
}

static double
measure (Bench *bench, Subject subject, gboolean cold)
{
  settle (bench, cold);
  gint64 begin = g_get_monotonic_time ();
  subject (bench);
  double seconds = (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC;
  g_unlink (bench->copy);
  return seconds;
}

static void
drop_backup (Bench *bench)
{
  if (bench->info)
    g_assert_true (vb_pool_remove (bench->lab->pool, bench->lab->vps, bench->info->id, NULL));
  g_clear_pointer (&bench->info, vb_backup_info_free);
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

static double
median (double *values)
{
  qsort (values, (gsize) rounds, sizeof *values, compare);
  return rounds % 2 ? values[rounds / 2] : (values[rounds / 2 - 1] + values[rounds / 2]) / 2;
}

static const struct
{
  const char *name;
  Subject subject;
  guint peer; /* row that it is compared with */
} rows[] = {
  { "qemu-img convert to raw", convert_raw, 0 },
  { "  the same and fsync", convert_raw_sync, 0 },
  { "backup (all synced)", back_up, 0 },
  { "qemu-img convert to qcow2", convert_qcow2, 3 },
  { "  the same and fsync", convert_qcow2_sync, 3 },
  { "staged restore (all synced)", stage, 3 },
  { "verify", verify, 3 },
  { "repeat backup, 20 MiB changed", repeat, 0 },
};

/* The others need a backup. */
static gboolean
is_wanted (gsize row)
{
  return only == NULL || rows[row].subject == back_up || strstr (rows[row].name, only);
}

static void
run (Bench *bench, gboolean cold)
{
  double seconds[G_N_ELEMENTS (rows)][MAX_ROUNDS], medians[G_N_ELEMENTS (rows)];

  for (int round = 0; round < rounds; round++)
    {
      drop_backup (bench);
      g_free (storage_lab_run ("qemu-img bitmap --add -f qcow2 '%s' " BITMAP, bench->disk));
      change (bench);
      for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
        seconds[i][round] = is_wanted (i) ? measure (bench, rows[i].subject, cold) : NAN;
      g_free (storage_lab_run ("qemu-img bitmap --remove -f qcow2 '%s' " BITMAP, bench->disk));
    }
  g_print ("\n%s cache, seconds, median of %d\n", cold ? "cold" : "warm", rounds);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      medians[i] = median (seconds[i]);
      if (!is_wanted (i))
        continue;
      g_print ("%-30s %7.2f  (%.2f to %.2f)", rows[i].name, medians[i], seconds[i][0],
               seconds[i][rounds - 1]);
      if (is_wanted (rows[i].peer))
        g_print ("  %5.2f x", medians[i] / medians[rows[i].peer]);
      g_print ("\n");
    }
  if (is_wanted (G_N_ELEMENTS (rows) - 1))
    g_print ("The repeat was %s.\n",
             bench->was_incremental ? "incremental" : "full: the file system shares no extents");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  Bench bench = { 0 };

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || rounds < 1 || rounds > MAX_ROUNDS)
    {
      g_printerr ("storage_bench: %s\n", error ? error->message : "rounds out of range");
      return 2;
    }
  if (folder)
    g_setenv ("TMPDIR", folder, TRUE);
  bench.lab = storage_lab_new ();
  bench.copy = storage_lab_path (bench.lab, "copy");
  make_disk (&bench);
  run (&bench, FALSE);
  run (&bench, TRUE);
  drop_backup (&bench);
  storage_lab_free (bench.lab);
  g_free (bench.disk);
  g_free (bench.copy);
  return 0;
}
