/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage-lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "storage/capture/vb-copier.h"
#include "storage/nbd/vb-nbd-server.h"
#include "storage/nbd/vb-nbd-source.h"

/* Generous: only a test that hangs meets it. */
#define DEADLINE_US (60 * G_TIME_SPAN_SECOND)

/* One copy of one image. */
typedef struct
{
  StorageLab *lab;
  char *disk;
  char *target;
  VbNbdServer *server;
  VbNbdSource *source;
  VbRanges *data;
  VbSparseFile *image;
  VbSums *sums;
  VbTransfer *transfer;
  GCancellable *stop;
} Fixture;

static void
open_source (Fixture *fixture, const char *socket)
{
  g_autoptr (GError) error = NULL;
  fixture->stop = g_cancellable_new ();
  fixture->source = vb_nbd_source_open (socket, NULL, NULL, fixture->stop, &error);
  g_assert_no_error (error);
  fixture->data = vb_nbd_source_scan_data (fixture->source, NULL, fixture->stop, &error);
  g_assert_no_error (error);

  guint64 size = vb_nbd_source_get_size (fixture->source);
  fixture->target = storage_lab_path (fixture->lab, "target");
  int fd = g_open (fixture->target, O_CREAT | O_EXCL | O_RDWR, 0600);
  g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
  fixture->image = vb_sparse_file_new (fd);
  fixture->sums = vb_sums_new (size, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->lab = storage_lab_new ();
}

static VbNbdServer *
copier_serve (const char *path, const char *format, GError **error)
{
  g_autoptr (VbImageChain) chain = storage_lab_chain (path, format);

  return vb_nbd_server_start (chain, NULL, error);
}

static void
start (Fixture *fixture, guint64 size, guint64 limit)
{
  g_autoptr (GError) error = NULL;
  fixture->disk = storage_lab_disk (fixture->lab, "disk", "qcow2", size, "");
  fixture->server = copier_serve (fixture->disk, "qcow2", &error);
  g_assert_no_error (error);
  fixture->transfer = vb_transfer_new (NULL, limit);
  open_source (fixture, vb_nbd_server_get_socket (fixture->server));
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->source, vb_nbd_source_free);
  g_clear_pointer (&fixture->server, vb_nbd_server_free);
  g_clear_pointer (&fixture->data, vb_ranges_free);
  g_clear_pointer (&fixture->image, vb_sparse_file_free);
  g_clear_pointer (&fixture->sums, vb_sums_unref);
  g_clear_object (&fixture->transfer);
  g_clear_object (&fixture->stop);
  g_free (fixture->disk);
  g_free (fixture->target);
  storage_lab_free (fixture->lab);
}

static gboolean
copy (Fixture *fixture, VbCopyStep step, gpointer step_data, GError **error)
{
  VbCopyPlan plan = { fixture->data, NULL, -1 };
  return vb_copier_copy (fixture->source, &plan, fixture->image, fixture->sums, step, step_data,
                         fixture->transfer, fixture->stop, NULL, error);
}

static guint64
get_done (Fixture *fixture)
{
  guint64 done, total;
  vb_transfer_get (fixture->transfer, &done, &total);
  return done;
}

/* Every sum is that of what is in the file now. */
static void
assert_sums (Fixture *fixture)
{
  g_autofree guint8 *chunk = g_malloc (VB_SUMS_CHUNK_BYTES);
  int fd = g_open (fixture->target, O_RDONLY, 0);

  for (guint64 i = 0; i < vb_sums_get_count (fixture->sums); i++)
    {
      gsize length = vb_sums_get_length (fixture->sums, i);
      g_assert_cmpint (pread (fd, chunk, length, (off_t) (i * VB_SUMS_CHUNK_BYTES)), ==,
                       (gssize) length);
      g_assert_true (vb_sums_matches (fixture->sums, i, chunk));
    }
  close (fd);
}

static void
test_copy (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  start (fixture, 77 * MIB + 512 * 9, 0);
  copy (fixture, NULL, NULL, &error);
  g_assert_no_error (error);
  storage_lab_assert_same ("qcow2", fixture->disk, "raw", fixture->target);
  assert_sums (fixture);
  g_assert_cmpuint (get_done (fixture), ==, vb_ranges_get_total (fixture->data));
}

/* Many small pieces of data, so that chunks consist of several, and gaps are closed or not. */
static void
test_pieces (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) command = g_string_new ("qemu-io -f qcow2");

  fixture->disk = storage_lab_path (fixture->lab, "disk");
  g_free (
      storage_lab_run ("qemu-img create -q -f qcow2 -o cluster_size=4k '%s' 20M", fixture->disk));
  for (guint i = 0; i < 200; i++)
    g_string_append_printf (command, " -c 'write -q -P %d %dk %dk'", g_test_rand_int_range (1, 255),
                            g_test_rand_int_range (0, 5000) * 4, g_test_rand_int_range (1, 20));
  g_free (storage_lab_run ("%s '%s'", command->str, fixture->disk));

  fixture->server = copier_serve (fixture->disk, "qcow2", &error);
  fixture->transfer = vb_transfer_new (NULL, 0);
  open_source (fixture, vb_nbd_server_get_socket (fixture->server));
  VbRanges *closed = vb_ranges_close_gaps (fixture->data, 16 * 1024);
  g_assert_cmpuint (closed->array->len, <, fixture->data->array->len);
  vb_ranges_free (fixture->data);
  fixture->data = closed;
  copy (fixture, NULL, NULL, &error);
  g_assert_no_error (error);
  storage_lab_assert_same ("qcow2", fixture->disk, "raw", fixture->target);
  assert_sums (fixture);
}

/* Starts nbdkit and waits until it listens: the socket's file is there before that, the one with
 * its number after. */
static GPid
start_nbdkit (Fixture *fixture, const char *const *arguments, const char *socket)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_autofree char *ready = storage_lab_path (fixture->lab, "nbdkit.pid");
  const char *common[] = {
    "nbdkit", "--foreground", "--exit-with-parent", "--pidfile", ready, "--unix", socket, NULL
  };
  GPid pid;

  g_strv_builder_addv (argv, common);
  g_strv_builder_addv (argv, (const char **) arguments);
  g_auto (GStrv) all = g_strv_builder_end (argv);
  g_spawn_async (NULL, all, NULL,
                 G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                 NULL, &pid, &error);
  g_assert_no_error (error);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  while (!g_file_test (ready, G_FILE_TEST_EXISTS) && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  return pid;
}

/* A server that knows neither holes nor several connections. */
static void
test_plain_server (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *socket = storage_lab_path (fixture->lab, "nbd");
  const char *arguments[] = { "--no-sr",
                              "--filter=noparallel",
                              "--filter=multi-conn",
                              "--readonly",
                              "pattern",
                              "10000384",
                              "multi-conn-mode=disable",
                              NULL };

  GPid pid = start_nbdkit (fixture, arguments, socket);
  fixture->transfer = vb_transfer_new (NULL, 0);
  open_source (fixture, socket);
  g_assert_cmpuint (vb_ranges_get_total (fixture->data), ==, 10000384);
  copy (fixture, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_sums (fixture);

  /* nbdkit's pattern: each eight bytes are their own offset. */
  g_autofree char *text = NULL;
  gsize length;
  g_assert_true (g_file_get_contents (fixture->target, &text, &length, NULL));
  g_assert_cmpuint (length, ==, 10000384);
  for (guint64 i = 0; i < length; i += 8)
    {
      guint64 word;
      memcpy (&word, text + i, 8);
      g_assert_cmpuint (GUINT64_FROM_BE (word), ==, i);
    }
  kill (pid, SIGTERM);
  g_spawn_close_pid (pid);
}

/* What was moved is never more than the limit allows for the time that has really passed, but for a
 * few requests. */
static void
test_limit (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  guint64 limit = 8 * MIB;

  start (fixture, 40 * MIB, limit);
  gint64 begin = g_get_monotonic_time ();
  copy (fixture, NULL, NULL, &error);
  g_assert_no_error (error);
  double seconds = (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC;
  g_assert_cmpuint (get_done (fixture), >, 6 * MIB);
  g_assert_cmpfloat ((double) get_done (fixture), <=, seconds * (double) limit + 3 * MIB);
}

static gboolean
cancel_step (gpointer data, GError **error)
{
  g_cancellable_cancel (data);
  return TRUE;
}

static void
test_stop (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  start (fixture, 40 * MIB, 0);
  g_assert_false (copy (fixture, cancel_step, fixture->stop, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CANCELLED);
}

static gboolean
failing_step (gpointer data, GError **error)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE, "full");
  return FALSE;
}

static void
test_step_fails (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  start (fixture, 40 * MIB, 0);
  g_assert_false (copy (fixture, failing_step, NULL, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE);
}

static gboolean
kill_step (gpointer data, GError **error)
{
  VbNbdServer **server = data;
  g_clear_pointer (server, vb_nbd_server_free);
  return TRUE;
}

/* The server dies in the middle; the limit keeps the rest of the copy from being faster. */
static void
test_server_dies (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  start (fixture, 40 * MIB, 4 * MIB);
  g_assert_false (copy (fixture, kill_step, &fixture->server, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERRUPTED);
}

static void
test_no_server (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) stop = g_cancellable_new ();
  g_autofree char *nothing = storage_lab_path (fixture->lab, "nothing");

  g_assert_null (vb_nbd_source_open (nothing, NULL, NULL, stop, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERRUPTED);
  g_clear_error (&error);

  /* qemu-nbd starts, and finds that this is no such image. */
  g_assert_true (g_file_set_contents (nothing, "nothing", -1, NULL));
  g_autoptr (VbNbdServer) server = copier_serve (nothing, "qcow2", &error);
  g_assert_no_error (error);
  g_assert_null (vb_nbd_source_open (vb_nbd_server_get_socket (server), NULL, NULL, stop, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERRUPTED);
  g_autofree char *complaint = vb_nbd_server_dup_complaint (server);
  g_assert_nonnull (strstr (complaint, "qcow2"));
}

/* Reads fail beyond the first MiB, as on a disk with bad sectors. */
static void
test_read_error (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *socket = storage_lab_path (fixture->lab, "nbd");
  const char *arguments[]
      = { "--filter=error", "pattern", "16M", "error-pread=EIO", "error-pread-rate=50%", NULL };

  GPid pid = start_nbdkit (fixture, arguments, socket);
  fixture->transfer = vb_transfer_new (NULL, 0);
  open_source (fixture, socket);
  g_assert_false (copy (fixture, NULL, NULL, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
  kill (pid, SIGTERM);
  g_spawn_close_pid (pid);
}

/* Nothing of a server outlives it: no process, no socket. */
static void
test_server_leaves_nothing (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *disk = storage_lab_disk (fixture->lab, "disk", "raw", 32 * MIB, "");
  VbNbdServer *server = copier_serve (disk, "raw", &error);
  g_autofree char *socket = g_strdup (vb_nbd_server_get_socket (server));
  g_autofree char *folder = g_path_get_dirname (socket);

  g_assert_true (g_file_test (socket, G_FILE_TEST_EXISTS));
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  while (!storage_lab_is_running (disk) && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  vb_nbd_server_free (server);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_false (storage_lab_is_running (disk));
}

/* What a process that was killed has left goes when the next server is started; what others use
 * stays. */
static void
test_sweep (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *disk = storage_lab_disk (fixture->lab, "disk", "raw", 32 * MIB, "");
  g_autoptr (VbNbdServer) first = copier_serve (disk, "raw", &error);
  g_assert_no_error (error);
  g_autofree char *folder = g_path_get_dirname (vb_nbd_server_get_socket (first));
  g_autofree char *parent = g_path_get_dirname (folder);
  g_autofree char *stale = g_strdup_printf ("%s/vps-backup-nbd-%d-stale", parent, G_MAXINT);
  g_autofree char *socket = g_build_filename (stale, "nbd", NULL);

  g_assert_cmpint (g_mkdir (stale, 0700), ==, 0);
  g_assert_true (g_file_set_contents (socket, "", 0, NULL));
  g_autoptr (VbNbdServer) second = copier_serve (disk, "raw", &error);
  g_assert_no_error (error);
  g_assert_false (g_file_test (stale, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (vb_nbd_server_get_socket (first), G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture *fixture, gconstpointer unused);
  } tests[] = {
    { "/copier/copy", test_copy },
    { "/copier/pieces", test_pieces },
    { "/copier/plain-server", test_plain_server },
    { "/copier/limit", test_limit },
    { "/copier/stop", test_stop },
    { "/copier/step-fails", test_step_fails },
    { "/copier/server-dies", test_server_dies },
    { "/copier/no-server", test_no_server },
    { "/copier/read-error", test_read_error },
    { "/copier/server-leaves-nothing", test_server_leaves_nothing },
    { "/copier/sweep", test_sweep },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].func, tear_down);
  return storage_lab_run_tests ();
}
