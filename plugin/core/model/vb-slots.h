/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * VbSlots:
 *
 * The slots of one VPS: how many there are, and how many are taken. Main context only.
 */
#define VB_TYPE_SLOTS (vb_slots_get_type ())
G_DECLARE_FINAL_TYPE (VbSlots, vb_slots, VB, SLOTS, GObject)

/**
 * VbSlotLease:
 *
 * One taken slot. Whoever holds the lease keeps the slot; freeing it gives the slot back, so no
 * path can forget to.
 */
typedef struct _VbSlotLease VbSlotLease;

/**
 * vb_slots_new:
 * @included: slots that need no buying
 * @step: extra slots come in steps of this many
 * @maximum: most slots in all
 */
VbSlots *vb_slots_new (guint included, guint step, guint maximum);

/**
 * vb_slots_lease:
 *
 * Takes a slot, also when none is free: whoever asks for a new one looks at vb_slots_is_full()
 * before, and backups that exist already stay even if bought slots were taken away behind our back.
 *
 * Returns: (transfer full): a lease
 */
VbSlotLease *vb_slots_lease (VbSlots *self);
void vb_slot_lease_free (VbSlotLease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSlotLease, vb_slot_lease_free)

/**
 * vb_slots_check_total:
 * @total: wanted total
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT (not included plus whole steps, or over the
 *   maximum) or %VB_ERROR_SLOTS_IN_USE (below what is used)
 *
 * Returns: whether @total may be set
 */
gboolean vb_slots_check_total (VbSlots *self, guint total, GError **error);

/**
 * vb_slots_set_total:
 * @total: new total, or -1 for the included ones only; values out of range are brought into it
 *
 * Returns: whether that changed anything
 */
gboolean vb_slots_set_total (VbSlots *self, gint64 total);

gboolean vb_slots_is_full (VbSlots *self);
guint vb_slots_get_used (VbSlots *self);
guint vb_slots_get_total (VbSlots *self);
guint vb_slots_get_included (VbSlots *self);
guint vb_slots_get_extra (VbSlots *self);
guint vb_slots_get_step (VbSlots *self);
guint vb_slots_get_maximum (VbSlots *self);
/** vb_slots_get_billable_steps: Returns: extra slots in steps, a begun step counts whole */
guint vb_slots_get_billable_steps (VbSlots *self);

G_END_DECLS
