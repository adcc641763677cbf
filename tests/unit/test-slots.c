/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "core/model/vb-slots.h"

static void
test_lease_until_full (void)
{
  g_autoptr (VbSlots) slots = vb_slots_new (2, 1, 10);
  VbSlotLease *first = vb_slots_lease (slots);
  g_assert_false (vb_slots_is_full (slots));
  g_autoptr (VbSlotLease) second = vb_slots_lease (slots);
  g_assert_nonnull (second);
  g_assert_true (vb_slots_is_full (slots));
  g_assert_cmpuint (vb_slots_get_used (slots), ==, 2);

  vb_slot_lease_free (first);
  g_assert_cmpuint (vb_slots_get_used (slots), ==, 1);
  g_assert_false (vb_slots_is_full (slots));
}

static void
test_existing_may_exceed (void)
{
  g_autoptr (VbSlots) slots = vb_slots_new (1, 1, 5);
  g_autoptr (VbSlotLease) a = vb_slots_lease (slots);
  g_autoptr (VbSlotLease) b = vb_slots_lease (slots);
  g_assert_true (a != b);
  g_assert_cmpuint (vb_slots_get_used (slots), ==, 2);
  g_assert_true (vb_slots_is_full (slots));
}

typedef struct
{
  guint total;
  int code; /* -1: allowed */
} TotalCase;

static void
test_totals (void)
{
  /* 2 included, steps of 3, at most 9 (no whole number of steps), 4 in use. */
  static const TotalCase cases[] = {
    { 0, VB_ERROR_INVALID_ARGUMENT },
    { 1, VB_ERROR_INVALID_ARGUMENT },
    { 2, VB_ERROR_SLOTS_IN_USE },
    { 3, VB_ERROR_INVALID_ARGUMENT },
    { 5, -1 },
    { 8, -1 },
    { 9, -1 },
    { 10, VB_ERROR_INVALID_ARGUMENT },
    { G_MAXUINT, VB_ERROR_INVALID_ARGUMENT },
  };
  g_autoptr (VbSlots) slots = vb_slots_new (2, 3, 9);
  VbSlotLease *leases[4];
  for (guint i = 0; i < 4; i++)
    leases[i] = vb_slots_lease (slots);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean allowed = vb_slots_check_total (slots, cases[i].total, &error);
      g_assert_cmpint (allowed, ==, cases[i].code < 0);
      if (!allowed)
        g_assert_error (error, VB_ERROR, cases[i].code);
    }
  for (guint i = 0; i < 4; i++)
    vb_slot_lease_free (leases[i]);
}

static void
test_metadata_total (void)
{
  g_autoptr (VbSlots) slots = vb_slots_new (2, 2, 6);
  g_assert_false (vb_slots_set_total (slots, -1));
  g_assert_true (vb_slots_set_total (slots, 5));
  g_assert_cmpuint (vb_slots_get_extra (slots), ==, 3);
  g_assert_cmpuint (vb_slots_get_billable_steps (slots), ==, 2);
  g_assert_true (vb_slots_set_total (slots, G_MAXINT64));
  g_assert_cmpuint (vb_slots_get_total (slots), ==, 6);
  g_assert_true (vb_slots_set_total (slots, 0));
  g_assert_cmpuint (vb_slots_get_total (slots), ==, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slots/lease-until-full", test_lease_until_full);
  g_test_add_func ("/slots/existing-may-exceed", test_existing_may_exceed);
  g_test_add_func ("/slots/totals", test_totals);
  g_test_add_func ("/slots/metadata-total", test_metadata_total);
  return g_test_run ();
}
