/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-directory-claims-private.h"

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-log.h"

#define GIVE_BACK_PATIENCE_US (2 * G_USEC_PER_SEC)
#define CONFIRM_PAUSE_US (100 * G_TIME_SPAN_MILLISECOND)
#define POKE_PAUSE_US G_USEC_PER_SEC
#define MAX_TRIES 5

static void
set_purpose (VbClaimRecord *record, const char *operation, const char *backup)
{
  g_free (record->operation);
  g_free (record->backup);
  record->operation = g_strdup (operation);
  record->backup = g_strdup (backup);
}

/* What the host that died was writing will never be whole; as a deleted one it is swept by
 * anybody. */
static void
take_over (VbDirectoryClaims *self, int root, const char *vps, const VbClaimRecord *dead)
{
  g_autoptr (GError) error = NULL;

  vb_log_warning (vps, dead->operation, dead->backup,
                  "Taking over the claim of host %s, which has not renewed it", dead->host);
  if (dead->backup != NULL && !vb_pool_layout_give_up_partial (root, vps, dead->backup, &error))
    vb_log_warning (vps, dead->operation, dead->backup,
                    "Failed to discard the partial backup of a dead host: %s", error->message);
  g_mutex_lock (&self->mutex);
  self->remains = TRUE;
  g_mutex_unlock (&self->mutex);
}

static gboolean
refuse (VbDirectoryClaims *self, const char *vps, const VbClaimRecord *tip, GError **error)
{
  g_mutex_lock (&self->mutex);
  g_hash_table_add (self->elsewhere, g_strdup (vps));
  g_mutex_unlock (&self->mutex);
  vb_log_info (vps, tip->operation, tip->backup, "Host %s works on the VPS", tip->host);
  vb_error_set_public (error, VB_ERROR_OPERATION_RUNNING);
  return FALSE;
}

/* Caller holds io. Returns: FALSE with @error; @made is FALSE without when somebody else was
 * quicker */
static gboolean
try_to_make (VbDirectoryClaims *self,
             int root,
             int folder,
             const char *vps,
             VbClaimRecord *record,
             gboolean *made,
             GError **error)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (VbClaimRecord) tip = NULL;

  *made = FALSE;
  if (!vb_claim_file_find (folder, vps, &names, &tip, error))
    return FALSE;
  gboolean own = tip != NULL && g_str_equal (tip->owner, self->owner);
  if (tip != NULL && !own && !vb_claim_watch_is_expired (self->watch, vps, tip))
    return refuse (self, vps, tip, error);
  g_autoptr (GError) local = NULL;
  gboolean ok = vb_claim_file_make (folder, vps, record, tip, made, &local);
  if (!vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error))
    return FALSE;
  if (*made && tip != NULL && !own)
    take_over (self, root, vps, tip);
  return TRUE;
}

/* Caller holds io. */
static gboolean
make (VbDirectoryClaims *self,
      const char *vps,
      const char *operation,
      const char *backup,
      GError **error)
{
  vb_autofd int root = -1;
  vb_autofd int folder = vb_directory_claims_open (self, TRUE, &root, error);
  if (folder < 0)
    return FALSE;

  g_autoptr (VbClaimRecord) record
      = vb_claim_record_new (self->owner, g_get_host_name (), self->timeout_s);
  gint64 began_us = vb_directory_claims_now_us ();
  gboolean made = FALSE;
  set_purpose (record, operation, backup);
  for (guint i = 0; i < MAX_TRIES && !made; i++)
    if (!try_to_make (self, root, folder, vps, record, &made, error))
      return FALSE;
  if (!made)
    return refuse (self, vps, record, error);
  vb_claim_file_provide (folder);

  VbHeldClaim *claim = g_new0 (VbHeldClaim, 1);
  claim->record = g_steal_pointer (&record);
  claim->count = 1;
  claim->renewed_us = began_us;
  g_mutex_lock (&self->mutex);
  g_hash_table_replace (self->held, g_strdup (vps), claim);
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

/* Caller holds io. Once more by us. */
static gboolean
share (VbDirectoryClaims *self,
       const char *vps,
       VbHeldClaim *claim,
       const char *operation,
       const char *backup,
       GError **error)
{
  g_mutex_lock (&self->mutex);
  gboolean was_given_back = claim->count == 0;
  g_mutex_unlock (&self->mutex);

  if (backup != NULL || was_given_back)
    {
      vb_autofd int root = -1;
      vb_autofd int folder = vb_directory_claims_open (self, FALSE, &root, error);
      set_purpose (claim->record, operation, backup);
      if (folder < 0 || !vb_directory_claims_renew (self, folder, vps, claim, error))
        return FALSE;
    }
  g_mutex_lock (&self->mutex);
  claim->count++;
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

static gboolean
claims_take (VbClaims *claims,
             const char *vps,
             const char *operation,
             const char *backup,
             GError **error)
{
  VbDirectoryClaims *self = VB_DIRECTORY_CLAIMS (claims);

  if (!vb_directory_claims_watch (self, error))
    return FALSE;
  g_mutex_lock (&self->io);
  g_mutex_lock (&self->mutex);
  VbHeldClaim *claim = g_hash_table_lookup (self->held, vps);
  if (claim != NULL && claim->lost && claim->count == 0)
    {
      g_hash_table_remove (self->held, vps);
      claim = NULL;
    }
  g_mutex_unlock (&self->mutex);
  gboolean taken = claim != NULL ? share (self, vps, claim, operation, backup, error)
                                 : make (self, vps, operation, backup, error);
  g_mutex_unlock (&self->io);
  return taken;
}

static void
claims_give_back (VbClaims *claims, const char *vps)
{
  VbDirectoryClaims *self = VB_DIRECTORY_CLAIMS (claims);
  gint64 until_us = g_get_monotonic_time () + GIVE_BACK_PATIENCE_US;

  g_mutex_lock (&self->mutex);
  VbHeldClaim *claim = g_hash_table_lookup (self->held, vps);
  if (claim != NULL && claim->count > 0 && --claim->count == 0)
    {
      vb_directory_claims_poke (self);
      while (!self->stopped && (claim = g_hash_table_lookup (self->held, vps)) != NULL
             && claim->count == 0 && g_cond_wait_until (&self->changed, &self->mutex, until_us))
        ;
    }
  g_mutex_unlock (&self->mutex);
}

/* --- asking --- */

/* Others count from when they saw it renewed, so there is half of the time left for what is about
 * to be done. */
static gboolean
is_fresh (VbDirectoryClaims *self, const VbHeldClaim *claim)
{
  return vb_directory_claims_now_us () - claim->renewed_us < self->timeout_s * G_USEC_PER_SEC / 2;
}

static gboolean
claims_confirm (VbClaims *claims, const char *vps, VbTransfer *transfer, GError **error)
{
  VbDirectoryClaims *self = VB_DIRECTORY_CLAIMS (claims);
  g_autoptr (GError) failure = NULL;
  gint64 poke_at_us = 0;

  g_mutex_lock (&self->mutex);
  for (;;)
    {
      const VbHeldClaim *claim = g_hash_table_lookup (self->held, vps);
      if (claim == NULL || (!claim->lost && is_fresh (self, claim)))
        break;
      if (claim->lost || self->stopped)
        vb_error_set_public (&failure, VB_ERROR_INTERRUPTED);
      if (failure != NULL || (transfer != NULL && !vb_transfer_check (transfer, &failure)))
        break;
      gint64 now_us = g_get_monotonic_time ();
      if (now_us >= poke_at_us)
        {
          vb_directory_claims_poke (self);
          poke_at_us = now_us + POKE_PAUSE_US;
        }
      (void) g_cond_wait_until (&self->changed, &self->mutex, now_us + CONFIRM_PAUSE_US);
    }
  g_mutex_unlock (&self->mutex);
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
claims_is_lost (VbClaims *claims, const char *vps)
{
  VbDirectoryClaims *self = VB_DIRECTORY_CLAIMS (claims);

  g_mutex_lock (&self->mutex);
  const VbHeldClaim *claim = g_hash_table_lookup (self->held, vps);
  gboolean lost = claim != NULL && claim->lost;
  g_mutex_unlock (&self->mutex);
  return lost;
}

static gboolean
claims_is_elsewhere (VbClaims *claims, const char *vps)
{
  VbDirectoryClaims *self = VB_DIRECTORY_CLAIMS (claims);

  g_mutex_lock (&self->mutex);
  gboolean elsewhere
      = g_hash_table_contains (self->elsewhere, vps) && !g_hash_table_contains (self->held, vps);
  g_mutex_unlock (&self->mutex);
  return elsewhere;
}

void
vb_directory_claims_iface_init (VbClaimsInterface *iface)
{
  iface->take = claims_take;
  iface->give_back = claims_give_back;
  iface->confirm = claims_confirm;
  iface->is_lost = claims_is_lost;
  iface->is_elsewhere = claims_is_elsewhere;
}
