/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-slots.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

struct _VbSlots
{
  GObject parent_instance;

  guint included;
  guint step;
  guint maximum;
  guint total;
  guint used;
};

struct _VbSlotLease
{
  VbSlots *slots;
};

G_DEFINE_FINAL_TYPE (VbSlots, vb_slots, G_TYPE_OBJECT)

static void
vb_slots_class_init (VbSlotsClass *klass)
{
}

static void
vb_slots_init (VbSlots *self)
{
}

VbSlots *
vb_slots_new (guint included, guint step, guint maximum)
{
  VbSlots *self = g_object_new (VB_TYPE_SLOTS, NULL);
  self->included = included;
  self->step = MAX (step, 1);
  self->maximum = MAX (maximum, included);
  self->total = included;
  return self;
}

VbSlotLease *
vb_slots_lease (VbSlots *self)
{
  VbSlotLease *lease = g_new0 (VbSlotLease, 1);
  lease->slots = g_object_ref (self);
  self->used++;
  return lease;
}

gboolean
vb_slots_is_full (VbSlots *self)
{
  return self->used >= self->total;
}

void
vb_slot_lease_free (VbSlotLease *lease)
{
  lease->slots->used--;
  g_object_unref (lease->slots);
  g_free (lease);
}

gboolean
vb_slots_check_total (VbSlots *self, guint total, GError **error)
{
  if (total < self->included || total > self->maximum)
    {
      g_set_error (
          error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
          _ ("The total of slots must be between %u and %u; choose a number in that range."),
          self->included, self->maximum);
      return FALSE;
    }
  /* The maximum may always be reached, even when it is no whole number of steps away. */
  if ((total - self->included) % self->step != 0 && total != self->maximum)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                   _ ("Slots are sold in steps of %u on top of %u; choose a total that fits."),
                   self->step, self->included);
      return FALSE;
    }
  if (total < self->used)
    {
      g_set_error (
          error, VB_ERROR, VB_ERROR_SLOTS_IN_USE,
          _ ("%u slots are in use; delete backups before you reduce the total below that."),
          self->used);
      return FALSE;
    }
  return TRUE;
}

gboolean
vb_slots_set_total (VbSlots *self, gint64 total)
{
  guint wanted = total < 0 ? self->included : (guint) CLAMP (total, self->included, self->maximum);
  gboolean changed = wanted != self->total;
  self->total = wanted;
  return changed;
}

guint
vb_slots_get_used (VbSlots *self)
{
  return self->used;
}

guint
vb_slots_get_total (VbSlots *self)
{
  return self->total;
}

guint
vb_slots_get_included (VbSlots *self)
{
  return self->included;
}

guint
vb_slots_get_extra (VbSlots *self)
{
  return self->total - self->included;
}

guint
vb_slots_get_step (VbSlots *self)
{
  return self->step;
}

guint
vb_slots_get_maximum (VbSlots *self)
{
  return self->maximum;
}

guint
vb_slots_get_billable_steps (VbSlots *self)
{
  return (vb_slots_get_extra (self) + self->step - 1) / self->step;
}
