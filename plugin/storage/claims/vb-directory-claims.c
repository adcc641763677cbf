/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-directory-claims-private.h"

#include <sys/stat.h>
#include <time.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-log.h"

#define BEATS_PER_TIMEOUT 6
#define LONGEST_BEAT_US (10 * G_USEC_PER_SEC)

G_DEFINE_FINAL_TYPE_WITH_CODE (VbDirectoryClaims,
                               vb_directory_claims,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_CLAIMS,
                                                      vb_directory_claims_iface_init))

static void
claim_free (gpointer data)
{
  VbHeldClaim *claim = data;
  vb_claim_record_free (claim->record);
  g_free (claim);
}

gint64
vb_directory_claims_now_us (void)
{
  struct timespec now;
  clock_gettime (CLOCK_BOOTTIME, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static GHashTable *
new_set (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

int
vb_directory_claims_open (VbDirectoryClaims *self, gboolean create, int *root, GError **error)
{
  *root = vb_pool_handle_open (self->root, error);
  if (*root < 0)
    return -1;
  g_autoptr (GError) local = NULL;
  int folder = create ? vb_files_make_folder (*root, VB_CLAIM_FOLDER, &local)
                      : vb_files_open_folder (*root, VB_CLAIM_FOLDER, &local);
  vb_pool_handle_blame (self->root, folder >= 0, g_steal_pointer (&local), error);
  return folder;
}

/* --- renewing. Caller holds io; @claim stays as long as it does --- */

static void
note_renewal (VbDirectoryClaims *self,
              const char *vps,
              VbHeldClaim *claim,
              gint64 began_us,
              gboolean ours,
              const GError *error)
{
  g_mutex_lock (&self->mutex);
  if (error == NULL && ours)
    claim->renewed_us = began_us;
  gboolean newly_lost = error == NULL && !ours && !claim->lost;
  claim->lost = claim->lost || newly_lost;
  gboolean newly_failing = error != NULL && !claim->failing;
  claim->failing = error != NULL;
  g_mutex_unlock (&self->mutex);

  if (newly_lost)
    vb_log_warning (vps, claim->record->operation, claim->record->backup,
                    "Another host has taken over the claim on the VPS");
  if (newly_failing)
    vb_log_warning (vps, claim->record->operation, claim->record->backup,
                    "The claim on the VPS cannot be renewed: %s", error->message);
}

gboolean
vb_directory_claims_renew (VbDirectoryClaims *self,
                           int folder,
                           const char *vps,
                           VbHeldClaim *claim,
                           GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean ours = FALSE;
  gint64 began_us = vb_directory_claims_now_us ();

  claim->record->counter++;
  vb_claim_file_renew (folder, vps, claim->record, &ours, &local);
  note_renewal (self, vps, claim, began_us, ours, local);
  if (local == NULL && ours)
    return TRUE;
  if (local != NULL)
    vb_pool_handle_blame (self->root, FALSE, g_steal_pointer (&local), error);
  else
    vb_error_set_public (error, VB_ERROR_OPERATION_RUNNING);
  return FALSE;
}

static void
forget (VbDirectoryClaims *self, const char *vps)
{
  g_mutex_lock (&self->mutex);
  g_hash_table_remove (self->held, vps);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
}

/* Whoever has it meanwhile is not disturbed: what is removed was seen to be ours right before. */
static void
remove_given_back (VbDirectoryClaims *self, int folder, const char *vps, VbHeldClaim *claim)
{
  g_autoptr (GError) error = NULL;

  if (!claim->lost && vb_directory_claims_renew (self, folder, vps, claim, &error))
    {
      if (!vb_claim_file_remove (folder, vps, claim->record->id, &error))
        {
          vb_log_warning (vps, NULL, NULL, "Failed to release the claim on the VPS: %s",
                          error->message);
          return;
        }
    }
  else if (!claim->lost)
    return; /* when the pool is back */
  forget (self, vps);
}

static void
renew_all (VbDirectoryClaims *self, int folder)
{
  g_mutex_lock (&self->mutex);
  g_autofree char **keys = (char **) g_hash_table_get_keys_as_array (self->held, NULL);
  g_auto (GStrv) all = g_strdupv (keys);
  g_mutex_unlock (&self->mutex);

  for (guint i = 0; all[i] != NULL; i++)
    {
      g_mutex_lock (&self->mutex);
      VbHeldClaim *claim = g_hash_table_lookup (self->held, all[i]);
      gboolean given_back = claim != NULL && claim->count == 0;
      g_mutex_unlock (&self->mutex);
      if (given_back)
        remove_given_back (self, folder, all[i], claim);
      else if (claim != NULL && !claim->lost)
        (void) vb_directory_claims_renew (self, folder, all[i], claim, NULL);
    }
}

/* --- watching. Caller holds io --- */

static gboolean
is_held (VbDirectoryClaims *self, const char *vps)
{
  g_mutex_lock (&self->mutex);
  const VbHeldClaim *claim = g_hash_table_lookup (self->held, vps);
  gboolean held = claim != NULL && !claim->lost;
  g_mutex_unlock (&self->mutex);
  return held;
}

/* Returns: (transfer full) (nullable): the claim of another, or one that we have left; @expired:
 * (out) */
static VbClaimRecord *
look_at (VbDirectoryClaims *self, int folder, const char *vps, gboolean *expired)
{
  g_autoptr (GPtrArray) names = NULL;
  VbClaimRecord *tip = NULL;
  gint64 asked_us = g_get_monotonic_time ();

  *expired = FALSE;
  if (!vb_claim_file_find (folder, vps, &names, &tip, NULL) || tip == NULL)
    return NULL;
  *expired = vb_claim_watch_see (self->watch, vps, tip, asked_us, g_get_monotonic_time ());
  return tip;
}

static void
watch_all (VbDirectoryClaims *self, int folder)
{
  g_autoptr (GHashTable) elsewhere = new_set ();
  g_autoptr (GHashTable) expired = new_set ();
  g_autoptr (GHashTable) all = vb_claim_file_list (folder);
  GHashTableIter iter;
  gpointer vps;

  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, &vps, NULL))
    {
      gboolean is_expired;
      g_autoptr (VbClaimRecord) tip
          = is_held (self, vps) ? NULL : look_at (self, folder, vps, &is_expired);
      if (tip != NULL && is_expired)
        g_hash_table_add (expired, g_strdup (vps));
      else if (tip != NULL && !g_str_equal (tip->owner, self->owner))
        g_hash_table_add (elsewhere, g_strdup (vps));
    }
  vb_claim_watch_keep (self->watch, all);

  g_mutex_lock (&self->mutex);
  g_hash_table_unref (self->elsewhere);
  g_hash_table_unref (self->expired);
  self->elsewhere = g_steal_pointer (&elsewhere);
  self->expired = g_steal_pointer (&expired);
  g_mutex_unlock (&self->mutex);
}

/* --- the thread --- */

static void
beat (VbDirectoryClaims *self)
{
  vb_autofd int root = -1;

  g_mutex_lock (&self->io);
  vb_autofd int folder = vb_directory_claims_open (self, FALSE, &root, NULL);
  if (folder >= 0)
    {
      renew_all (self, folder);
      watch_all (self, folder);
    }
  g_mutex_unlock (&self->io);
}

static gpointer
run (gpointer data)
{
  g_autoptr (VbDirectoryClaims) self = data;
  gint64 pause_us = MIN (self->timeout_s * G_USEC_PER_SEC / BEATS_PER_TIMEOUT, LONGEST_BEAT_US);

  g_mutex_lock (&self->mutex);
  while (!self->stopped)
    {
      self->poked = FALSE;
      g_mutex_unlock (&self->mutex);
      beat (self);
      g_mutex_lock (&self->mutex);
      g_cond_broadcast (&self->changed);
      gint64 until_us = g_get_monotonic_time () + pause_us;
      while (!self->stopped && !self->poked
             && g_cond_wait_until (&self->changed, &self->mutex, until_us))
        ;
    }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

void
vb_directory_claims_poke (VbDirectoryClaims *self)
{
  self->poked = TRUE;
  g_cond_broadcast (&self->changed);
}

gboolean
vb_directory_claims_watch (VbDirectoryClaims *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_autoptr (GError) local = NULL;

  if (self->running || self->stopped)
    return TRUE;
  GThread *thread = g_thread_try_new ("vb-claims", run, g_object_ref (self), &local);
  self->running = thread != NULL;
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return TRUE;
    }
  g_object_unref (self);
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
               "Failed to start the thread that renews claims: %s", local->message);
  return FALSE;
}

void
vb_directory_claims_stop (VbDirectoryClaims *self)
{
  g_mutex_lock (&self->mutex);
  self->stopped = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
}

gboolean
vb_directory_claims_has_remains (VbDirectoryClaims *self)
{
  g_mutex_lock (&self->mutex);
  gboolean has = self->remains || g_hash_table_size (self->expired) > 0;
  g_mutex_unlock (&self->mutex);
  return has;
}

void
vb_directory_claims_bury (VbDirectoryClaims *self)
{
  g_mutex_lock (&self->mutex);
  g_autofree char **keys = (char **) g_hash_table_get_keys_as_array (self->expired, NULL);
  g_auto (GStrv) dead = g_strdupv (keys);
  g_hash_table_remove_all (self->expired);
  g_mutex_unlock (&self->mutex);

  for (guint i = 0; dead[i] != NULL; i++)
    if (vb_claims_take (VB_CLAIMS (self), dead[i], NULL, NULL, NULL))
      vb_claims_give_back (VB_CLAIMS (self), dead[i]);

  /* All that was taken over until now is there for the sweep that comes next. */
  g_mutex_lock (&self->mutex);
  self->remains = FALSE;
  g_mutex_unlock (&self->mutex);
}

/* --- lifecycle --- */

static void
vb_directory_claims_finalize (GObject *object)
{
  VbDirectoryClaims *self = VB_DIRECTORY_CLAIMS (object);

  g_clear_pointer (&self->root, vb_pool_handle_unref);
  g_clear_pointer (&self->watch, vb_claim_watch_free);
  g_hash_table_unref (self->held);
  g_hash_table_unref (self->elsewhere);
  g_hash_table_unref (self->expired);
  g_free (self->owner);
  g_mutex_clear (&self->io);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (vb_directory_claims_parent_class)->finalize (object);
}

static void
vb_directory_claims_class_init (VbDirectoryClaimsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_directory_claims_finalize;
}

static void
vb_directory_claims_init (VbDirectoryClaims *self)
{
  g_mutex_init (&self->io);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->changed);
  self->held = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, claim_free);
  self->elsewhere = new_set ();
  self->expired = new_set ();
}

VbDirectoryClaims *
vb_directory_claims_new (VbPoolHandle *root, const char *owner, guint timeout_s)
{
  VbDirectoryClaims *self = g_object_new (VB_TYPE_DIRECTORY_CLAIMS, NULL);
  self->root = vb_pool_handle_ref (root);
  self->owner = g_strdup (owner);
  self->timeout_s = timeout_s;
  self->watch = vb_claim_watch_new (timeout_s);
  return self;
}

char *
vb_directory_claims_owner_of (const char *state_folder)
{
  struct stat info = { 0 };
  g_autofree char *boot = NULL;

  /* Where that cannot be known, each service is another one: what it has left waits until it
   * expires. */
  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &boot, NULL, NULL)
      || stat (state_folder, &info) != 0)
    return g_uuid_string_random ();
  return g_strdup_printf ("%s/%" G_GINT64_MODIFIER "x/%" G_GINT64_MODIFIER "x", g_strstrip (boot),
                          (guint64) info.st_dev, (guint64) info.st_ino);
}
