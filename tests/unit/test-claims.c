/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage-lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/claims/vb-claim-file.h"
#include "storage/claims/vb-claim-watch.h"
#include "storage/claims/vb-directory-claims.h"
#include "storage/base/vb-files.h"

#define TIMEOUT_S 2
#define DEADLINE_US (60 * G_TIME_SPAN_SECOND)
#define ROUNDS 60
#define RACERS 4

typedef struct
{
  StorageLab *lab;
  int folder; /* of the claims */
} Lab;

static Lab *
lab_new (void)
{
  g_autoptr (GError) error = NULL;
  Lab *self = g_new0 (Lab, 1);
  self->lab = storage_lab_new ();
  vb_autofd int root = open (self->lab->pool_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  self->folder = vb_files_make_folder (root, VB_CLAIM_FOLDER, &error);
  g_assert_no_error (error);
  return self;
}

static void
lab_free (Lab *self)
{
  close (self->folder);
  storage_lab_free (self->lab);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Lab, lab_free)

/* A host of its own, as far as the pool can tell. */
static VbDirectoryClaims *
new_host (Lab *self, const char *owner)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbPoolHandle) root = vb_pool_handle_new (self->lab->pool_path, "0", &error);
  g_assert_no_error (error);
  return vb_directory_claims_new (root, owner, TIMEOUT_S);
}

static void
host_free (VbDirectoryClaims *host)
{
  vb_directory_claims_stop (host);
  g_object_unref (host);
}

typedef VbDirectoryClaims Host;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Host, host_free)

static gboolean
take (Host *host, Lab *lab)
{
  g_autoptr (GError) error = NULL;
  gboolean taken = vb_claims_take (VB_CLAIMS (host), lab->lab->vps, NULL, NULL, &error);
  if (!taken)
    g_assert_error (error, VB_ERROR, VB_ERROR_OPERATION_RUNNING);
  return taken;
}

static void
take_in_time (Host *host, Lab *lab)
{
  gint64 end_us = g_get_monotonic_time () + DEADLINE_US;
  while (!take (host, lab))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end_us);
      g_usleep (20 * 1000);
    }
}

/* --- what each file system call stands for --- */

static gboolean
make (Lab *lab, const VbClaimRecord *record, const VbClaimRecord *instead)
{
  gboolean made;
  g_autoptr (GError) error = NULL;
  vb_claim_file_make (lab->folder, lab->lab->vps, record, instead, &made, &error);
  g_assert_no_error (error);
  return made;
}

static gboolean
try_to_make (Lab *lab, const VbClaimRecord *instead)
{
  g_autoptr (VbClaimRecord) record = vb_claim_record_new ("racer", "host", TIMEOUT_S);
  return make (lab, record, instead);
}

/* Processes that wait for one pipe to close and then all try. Returns: how many were told that they
 * have it */
static guint
race (Lab *lab, const VbClaimRecord *instead)
{
  int gate[2];
  pid_t racers[RACERS];
  guint winners = 0;

  g_assert_cmpint (pipe (gate), ==, 0);
  for (guint i = 0; i < RACERS; i++)
    {
      /* Made here: forked processes draw the same random numbers. */
      g_autoptr (VbClaimRecord) record = vb_claim_record_new ("racer", "host", TIMEOUT_S);
      if ((racers[i] = fork ()) == 0)
        {
          char byte;
          close (gate[1]);
          if (read (gate[0], &byte, 1) != 0)
            _exit (2);
          _exit (make (lab, record, instead) ? 0 : 1);
        }
    }
  close (gate[0]);
  close (gate[1]);
  for (guint i = 0; i < RACERS; i++)
    {
      int status;
      g_assert_cmpint (waitpid (racers[i], &status, 0), ==, racers[i]);
      g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) <= 1);
      winners += WEXITSTATUS (status) == 0;
    }
  return winners;
}

static VbClaimRecord *
find (Lab *lab, guint n_names)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  VbClaimRecord *tip = NULL;

  g_assert_true (vb_claim_file_find (lab->folder, lab->lab->vps, &names, &tip, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (names->len, ==, n_names);
  return tip;
}

static void
test_race (void)
{
  g_autoptr (Lab) lab = lab_new ();
  g_autofree char *folder = g_build_filename (lab->lab->pool_path, VB_CLAIM_FOLDER, NULL);

  for (guint round = 0; round < ROUNDS; round++)
    {
      /* One for the claim, and then one for what a dead host has left of it. */
      g_assert_cmpuint (race (lab, NULL), ==, 1);
      g_autoptr (VbClaimRecord) first = find (lab, 1);
      g_assert_cmpuint (race (lab, NULL), ==, 0);
      g_assert_cmpuint (race (lab, first), ==, 1);
      g_autoptr (VbClaimRecord) second = find (lab, 2);
      g_assert_cmpstr (first->id, !=, second->id);

      /* The dead one cannot end what is not its any more; the one that has it can. */
      g_assert_true (vb_claim_file_remove (lab->folder, lab->lab->vps, first->id, NULL));
      g_assert_cmpuint (storage_lab_count (folder), ==, 2);
      g_assert_true (vb_claim_file_remove (lab->folder, lab->lab->vps, second->id, NULL));
      g_assert_cmpuint (storage_lab_count (folder), ==, 0);

      /* Somebody who was slow comes after a claim that is history: that is nobody's. */
      g_assert_false (try_to_make (lab, first));
      g_assert_cmpuint (storage_lab_count (folder), ==, 0);
    }
}

static void
test_record (void)
{
  gsize length;
  g_autoptr (VbClaimRecord) record = vb_claim_record_new ("boot/1/2", "node a\n[claim]", 60);
  record->counter = 7;
  record->backup = g_uuid_string_random ();
  g_autofree char *text = vb_claim_record_to_text (record, &length);
  g_autoptr (VbClaimRecord) parsed = vb_claim_record_parse (text, length);

  g_assert_cmpstr (parsed->id, ==, record->id);
  g_assert_cmpstr (parsed->owner, ==, record->owner);
  g_assert_cmpstr (parsed->host, ==, record->host);
  g_assert_cmpstr (parsed->backup, ==, record->backup);
  g_assert_cmpuint (parsed->timeout_s, ==, 60);
  g_assert_cmpuint (parsed->counter, ==, 7);

  g_autoptr (VbClaimRecord) path
      = vb_claim_record_parse ("[claim]\nid=../x\nbackup=../../etc\n", 32);
  g_assert_cmpstr (path->id, ==, "");
  g_assert_null (path->backup);
  g_autoptr (VbClaimRecord) none = vb_claim_record_parse ("\xff\0[", 3);
  g_assert_cmpstr (none->owner, ==, "");
}

/* --- when one has expired --- */

static void
test_watch (void)
{
  g_autoptr (VbClaimWatch) watch = vb_claim_watch_new (60);
  g_autoptr (VbClaimRecord) record = vb_claim_record_new ("other", "host", 10);
  gint64 s = 1000;
#define SEE() vb_claim_watch_see (watch, "vps", record, s *G_USEC_PER_SEC, s *G_USEC_PER_SEC)

  for (guint i = 0; i < 6; i++, s += 10)
    g_assert_false (SEE ());
  g_assert_true (SEE ());
  g_assert_true (vb_claim_watch_is_expired (watch, "vps", record));

  record->counter++;
  g_assert_false (vb_claim_watch_is_expired (watch, "vps", record));
  for (guint i = 0; i < 20; i++, s += 10, record->counter += i % 3 == 0)
    g_assert_false (SEE ());

  /* Nobody looked for long: the pool may have hung for the other one as well. */
  s += 500;
  g_assert_false (SEE ());
  for (guint i = 0; i < 5; i++)
    {
      s += 10;
      g_assert_false (SEE ());
    }
  s += 10;
  g_assert_true (SEE ());

  /* What the other one counts on is what holds. */
  record->counter++;
  record->timeout_s = 120;
  for (guint i = 0; i < 12; i++, s += 10)
    g_assert_false (SEE ());
  g_assert_true (SEE ());
#undef SEE
}

/* --- hosts --- */

static void
test_two_hosts (void)
{
  g_autoptr (Lab) lab = lab_new ();
  g_autoptr (Host) a = new_host (lab, "a");
  g_autoptr (Host) b = new_host (lab, "b");
  VbClaims *claims = VB_CLAIMS (a);

  g_assert_true (take (a, lab));
  g_assert_true (take (a, lab));
  g_assert_false (take (b, lab));
  vb_claims_give_back (claims, lab->lab->vps);
  g_assert_false (take (b, lab));
  g_assert_true (vb_claims_confirm (claims, lab->lab->vps, NULL, NULL));
  g_assert_false (vb_claims_is_elsewhere (claims, lab->lab->vps));

  /* As long as it is renewed it does not expire, and others see that. */
  gint64 until_us = g_get_monotonic_time () + 2 * TIMEOUT_S * G_USEC_PER_SEC;
  while (g_get_monotonic_time () < until_us)
    {
      g_assert_false (take (b, lab));
      g_usleep (50 * 1000);
    }
  g_assert_true (vb_claims_is_elsewhere (VB_CLAIMS (b), lab->lab->vps));

  vb_claims_give_back (claims, lab->lab->vps);
  take_in_time (b, lab);
  g_assert_false (take (a, lab));
  vb_claims_give_back (VB_CLAIMS (b), lab->lab->vps);
  take_in_time (a, lab);
}

static void
test_dead_host (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Lab) lab = lab_new ();
  g_autoptr (Host) a = new_host (lab, "a");
  g_autoptr (Host) b = new_host (lab, "b");
  g_autofree char *backup = g_uuid_string_random ();
  g_autofree char *partial
      = g_strdup_printf ("%s/%s/.%s.partial", lab->lab->pool_path, lab->lab->vps, backup);
  g_autofree char *deleted
      = g_strdup_printf ("%s/%s/.%s.deleted", lab->lab->pool_path, lab->lab->vps, backup);
  g_assert_cmpint (g_mkdir_with_parents (partial, 0700), ==, 0);

  g_assert_true (vb_claims_take (VB_CLAIMS (a), lab->lab->vps, NULL, backup, &error));
  vb_directory_claims_stop (a);
  g_assert_false (take (b, lab));
  g_assert_true (g_file_test (partial, G_FILE_TEST_EXISTS));
  take_in_time (b, lab);

  g_assert_false (g_file_test (partial, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (deleted, G_FILE_TEST_EXISTS));
  g_assert_true (vb_directory_claims_has_remains (b));
  vb_directory_claims_bury (b);
  g_assert_false (vb_directory_claims_has_remains (b));

  /* The service comes back, and has to wait. */
  g_autoptr (Host) back = new_host (lab, "a");
  g_assert_false (take (back, lab));
  vb_claims_give_back (VB_CLAIMS (b), lab->lab->vps);
  take_in_time (back, lab);
}

static void
test_restart (void)
{
  g_autoptr (Lab) lab = lab_new ();
  g_autoptr (Host) before = new_host (lab, "a");
  g_autoptr (Host) after = new_host (lab, "a");
  g_autoptr (Host) b = new_host (lab, "b");

  g_assert_true (take (before, lab));
  vb_directory_claims_stop (before);
  g_assert_true (take (after, lab));
  g_assert_false (take (b, lab));
  vb_claims_give_back (VB_CLAIMS (after), lab->lab->vps);
  take_in_time (b, lab);
}

static void
test_lost (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Lab) lab = lab_new ();
  g_autoptr (Host) a = new_host (lab, "a");
  gint64 end_us = g_get_monotonic_time () + DEADLINE_US;

  g_assert_true (take (a, lab));
  g_autoptr (VbClaimRecord) tip = find (lab, 1);
  g_assert_true (try_to_make (lab, tip));
  while (!vb_claims_is_lost (VB_CLAIMS (a), lab->lab->vps))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end_us);
      g_usleep (20 * 1000);
    }
  g_assert_false (vb_claims_confirm (VB_CLAIMS (a), lab->lab->vps, NULL, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERRUPTED);
  vb_claims_give_back (VB_CLAIMS (a), lab->lab->vps);
  g_autoptr (VbClaimRecord) still = find (lab, 2);
  g_assert_cmpstr (still->owner, ==, "racer");
  g_assert_false (take (a, lab));
}

/* While the pool is away nothing that cannot be taken back is done; once it is there again, all
 * goes on. */
static void
test_pool_away (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Lab) lab = lab_new ();
  g_autoptr (Host) a = new_host (lab, "a");
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autofree char *aside = storage_lab_path (lab->lab, "aside");

  g_assert_true (take (a, lab));
  g_assert_cmpint (g_rename (lab->lab->pool_path, aside), ==, 0);
  g_usleep (TIMEOUT_S * G_USEC_PER_SEC);
  vb_transfer_cancel (transfer);
  g_assert_false (vb_claims_confirm (VB_CLAIMS (a), lab->lab->vps, transfer, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CANCELLED);
  g_assert_false (vb_claims_is_lost (VB_CLAIMS (a), lab->lab->vps));

  g_assert_cmpint (g_rename (aside, lab->lab->pool_path), ==, 0);
  g_clear_error (&error);
  g_assert_true (vb_claims_confirm (VB_CLAIMS (a), lab->lab->vps, NULL, &error));
  g_assert_no_error (error);
}

/* --- a pool of two hosts --- */

static VbPool *
new_pool (Lab *lab, const char *owner)
{
  g_autoptr (GError) error = NULL;
  VbDirectoryPool *pool = vb_directory_pool_new (lab->lab->pool_path, "0", &error);
  g_assert_no_error (error);
  vb_directory_pool_share (pool, owner, TIMEOUT_S);
  return VB_POOL (pool);
}

static gboolean
given_up (const char *vps, const char *backup, gpointer user_data)
{
  return FALSE;
}

static void
sweep (VbPool *pool)
{
  g_autoptr (GError) error = NULL;
  VbPoolStatus status;
  g_assert_true (vb_pool_check (pool, &status, &error));
  g_assert_true (vb_pool_sweep (pool, given_up, NULL, &error));
  g_assert_no_error (error);
}

static void
test_sweep (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Lab) lab = lab_new ();
  g_autoptr (VbPool) a = new_pool (lab, "a");
  g_autoptr (VbPool) b = new_pool (lab, "b");
  const char *vps = lab->lab->vps;
  g_autofree char *backup = g_uuid_string_random ();
  g_autofree char *partial
      = g_strdup_printf ("%s/%s/.%s.partial", lab->lab->pool_path, vps, backup);
  g_autofree char *other = g_uuid_string_random ();
  g_autofree char *deleted = g_strdup_printf ("%s/%s/.%s.deleted", lab->lab->pool_path, vps, other);
  g_autofree char *folder = g_build_filename (lab->lab->pool_path, vps, NULL);
  gint64 end_us = g_get_monotonic_time () + DEADLINE_US;

  g_assert_cmpint (g_mkdir_with_parents (partial, 0700), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (deleted, 0700), ==, 0);
  g_assert_true (vb_claims_take (vb_pool_get_claims (a), vps, NULL, backup, &error));
  for (guint i = 0; i < 10; i++)
    sweep (b);
  g_assert_cmpuint (storage_lab_count (folder), ==, 2);

  g_clear_object (&a);
  while (g_file_test (folder, G_FILE_TEST_EXISTS))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end_us);
      sweep (b);
      g_usleep (50 * 1000);
    }
  VbPoolStatus status = { 0 };
  g_assert_true (vb_pool_check (b, &status, &error));
  g_assert_false (status.remains);
}

/* As if the last change of the VPS's folder was a while ago. */
static void
settle (Lab *lab)
{
  g_autofree char *folder = g_build_filename (lab->lab->pool_path, lab->lab->vps, NULL);
  struct timespec times[2];

  clock_gettime (CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= 10;
  times[1] = times[0];
  utimensat (AT_FDCWD, folder, times, 0);
}

static void
test_seen_by_the_other (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Lab) lab = lab_new ();
  g_autoptr (VbPool) b = new_pool (lab, "b");
  const char *const vps[] = { lab->lab->vps, NULL };
  g_autofree char *disk = storage_lab_disk (lab->lab, "disk", "raw", 16 * MIB, "");
  g_autoptr (VbCapture) capture = storage_lab_capture (lab->lab, disk, "raw");

#define ASSERT_CHANGED(n)                                                                          \
  {                                                                                                \
    g_auto (GStrv) changed = vb_pool_list_changed (b, vps);                                        \
    g_assert_cmpuint (g_strv_length (changed), ==, n);                                             \
  }
#define ASSERT_LISTED(n)                                                                           \
  {                                                                                                \
    g_autoptr (GPtrArray) infos = vb_pool_list_again (b, vps[0], &error);                          \
    g_assert_no_error (error);                                                                     \
    g_assert_cmpuint (infos->len, ==, n);                                                          \
  }
  g_autoptr (GPtrArray) all = vb_pool_list (b, &error);
  g_assert_cmpuint (all->len, ==, 0);
  ASSERT_CHANGED (0);
  g_autoptr (VbBackupInfo) info = storage_lab_back_up (lab->lab, capture);
  ASSERT_CHANGED (1);
  settle (lab);
  ASSERT_LISTED (1);
  ASSERT_CHANGED (0);
  g_assert_true (vb_pool_protect (lab->lab->pool, vps[0], info->id, TRUE, &error));
  ASSERT_CHANGED (1);
  ASSERT_LISTED (1);
  g_assert_true (vb_pool_remove (lab->lab->pool, vps[0], info->id, &error));
  ASSERT_CHANGED (1);
  settle (lab);
  ASSERT_LISTED (0);
  ASSERT_CHANGED (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/claims/race", test_race);
  g_test_add_func ("/claims/record", test_record);
  g_test_add_func ("/claims/watch", test_watch);
  g_test_add_func ("/claims/two-hosts", test_two_hosts);
  g_test_add_func ("/claims/dead-host", test_dead_host);
  g_test_add_func ("/claims/restart", test_restart);
  g_test_add_func ("/claims/lost", test_lost);
  g_test_add_func ("/claims/pool-away", test_pool_away);
  g_test_add_func ("/claims/sweep", test_sweep);
  g_test_add_func ("/claims/seen-by-the-other", test_seen_by_the_other);
  return storage_lab_run_tests ();
}
