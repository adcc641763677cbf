/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doubles.h"
#include "fake-script.h"

struct _VbFakeClaims
{
  GObject parent_instance;

  GMutex mutex;          /* protects the next one */
  GHashTable *elsewhere; /* set of VPS UUIDs */
};

static void vb_fake_claims_iface_init (VbClaimsInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbFakeClaims,
                               vb_fake_claims,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_CLAIMS, vb_fake_claims_iface_init))

static void
vb_fake_claims_finalize (GObject *object)
{
  VbFakeClaims *self = VB_FAKE_CLAIMS (object);

  g_hash_table_unref (self->elsewhere);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (vb_fake_claims_parent_class)->finalize (object);
}

static void
vb_fake_claims_class_init (VbFakeClaimsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_fake_claims_finalize;
}

static void
vb_fake_claims_init (VbFakeClaims *self)
{
  vb_fake_script_init (self);
  g_mutex_init (&self->mutex);
  self->elsewhere = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

VbFakeClaims *
vb_fake_claims_new (void)
{
  return g_object_new (VB_TYPE_FAKE_CLAIMS, NULL);
}

static gboolean
fake_take (VbClaims *claims,
           const char *vps,
           const char *operation,
           const char *backup,
           GError **error)
{
  return vb_fake_script_enter (claims, "take", NULL, error);
}

static void
fake_give_back (VbClaims *claims, const char *vps)
{
  (void) vb_fake_script_enter (claims, "give_back", NULL, NULL);
}

static gboolean
fake_confirm (VbClaims *claims, const char *vps, VbTransfer *transfer, GError **error)
{
  return vb_fake_script_enter (claims, "confirm", NULL, error);
}

static gboolean
fake_is_lost (VbClaims *claims, const char *vps)
{
  return FALSE;
}

static gboolean
fake_is_elsewhere (VbClaims *claims, const char *vps)
{
  VbFakeClaims *self = VB_FAKE_CLAIMS (claims);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_hash_table_contains (self->elsewhere, vps);
}

void
vb_fake_claims_set_elsewhere (VbFakeClaims *self, const char *vps, gboolean elsewhere)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (elsewhere)
    g_hash_table_add (self->elsewhere, g_strdup (vps));
  else
    g_hash_table_remove (self->elsewhere, vps);
}

static void
vb_fake_claims_iface_init (VbClaimsInterface *iface)
{
  iface->take = fake_take;
  iface->give_back = fake_give_back;
  iface->confirm = fake_confirm;
  iface->is_lost = fake_is_lost;
  iface->is_elsewhere = fake_is_elsewhere;
}
