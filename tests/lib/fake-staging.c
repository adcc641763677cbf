/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-staging.h"

#include "fake-script.h"

#define VB_TYPE_FAKE_STAGING (vb_fake_staging_get_type ())
G_DECLARE_FINAL_TYPE (VbFakeStaging, vb_fake_staging, VB, FAKE_STAGING, GObject)

struct _VbFakeStaging
{
  GObject parent_instance;

  GObject *pool;
  gboolean in_place;
  gboolean begun; /* with a device */
  gboolean swapped;
};

static void vb_fake_staging_iface_init (VbStagingInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbFakeStaging,
                               vb_fake_staging,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_STAGING, vb_fake_staging_iface_init))

static gboolean
fake_swap (VbStaging *staging, VbTransfer *transfer, GError **error)
{
  VbFakeStaging *self = VB_FAKE_STAGING (staging);

  self->begun = self->in_place;
  if (!vb_fake_script_enter (self->pool, "swap", NULL, error))
    return FALSE;

  self->swapped = TRUE;
  return TRUE;
}

static gboolean
fake_is_in_place (VbStaging *staging)
{
  return VB_FAKE_STAGING (staging)->in_place;
}

static gboolean
fake_can_undo (VbStaging *staging)
{
  return !VB_FAKE_STAGING (staging)->begun;
}

static gboolean
fake_undo (VbStaging *staging, GError **error)
{
  VbFakeStaging *self = VB_FAKE_STAGING (staging);

  if (!vb_fake_script_enter (self->pool, "undo", NULL, error))
    return FALSE;

  self->swapped = FALSE;
  return TRUE;
}

static gboolean
fake_finish (VbStaging *staging, GError **error)
{
  return vb_fake_script_enter (VB_FAKE_STAGING (staging)->pool, "finish", NULL, error);
}

static gboolean
fake_discard (VbStaging *staging, GError **error)
{
  return vb_fake_script_enter (VB_FAKE_STAGING (staging)->pool, "discard_staging", NULL, error);
}

static gboolean
fake_is_swapped (VbStaging *staging)
{
  return VB_FAKE_STAGING (staging)->swapped;
}

static void
vb_fake_staging_iface_init (VbStagingInterface *iface)
{
  iface->swap = fake_swap;
  iface->is_in_place = fake_is_in_place;
  iface->can_undo = fake_can_undo;
  iface->undo = fake_undo;
  iface->finish = fake_finish;
  iface->discard = fake_discard;
  iface->is_swapped = fake_is_swapped;
}

static void
vb_fake_staging_finalize (GObject *object)
{
  g_clear_object (&VB_FAKE_STAGING (object)->pool);
  G_OBJECT_CLASS (vb_fake_staging_parent_class)->finalize (object);
}

static void
vb_fake_staging_class_init (VbFakeStagingClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_fake_staging_finalize;
}

static void
vb_fake_staging_init (VbFakeStaging *self)
{
}

VbStaging *
vb_fake_staging_new (GObject *pool, gboolean in_place, gboolean begun)
{
  VbFakeStaging *self = g_object_new (VB_TYPE_FAKE_STAGING, NULL);

  self->pool = g_object_ref (pool);
  self->in_place = in_place;
  self->begun = begun;
  return VB_STAGING (self);
}
