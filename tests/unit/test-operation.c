/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "core/model/vb-operation.h"

/* The legal transitions of DESIGN, written down a second time on purpose: from row to column. */
static const char *const legal[] = {
  /*            q p c f C F X */
  /* queued */ "-+---++",
  /* prepar */ "--+--++",
  /* copyin */ "-+-+-++",
  /* finish */ "----++-",
  /* comple */ "-------",
  /* failed */ "-------",
  /* cancel */ "-------",
};

static void
test_table (void)
{
  for (int from = VB_OPERATION_QUEUED; from <= VB_OPERATION_CANCELLED; from++)
    for (int to = VB_OPERATION_QUEUED; to <= VB_OPERATION_CANCELLED; to++)
      {
        g_autoptr (GError) error = NULL;
        gboolean allowed = vb_operation_check_move (from, to, &error);
        g_assert_cmpint (allowed, ==, legal[from][to] == '+');
        g_assert_cmpint (error == NULL, ==, allowed);
      }
}

static void
test_words (void)
{
  for (int i = VB_OPERATION_QUEUED; i <= VB_OPERATION_CANCELLED; i++)
    {
      VbOperationState state = VB_OPERATION_QUEUED;
      g_assert_true (vb_operation_state_from_string (vb_operation_state_to_string (i), &state));
      g_assert_cmpint (state, ==, i);
    }
  VbOperationState state;
  g_assert_false (vb_operation_state_from_string ("running", &state));
  g_assert_false (vb_operation_state_from_string (NULL, &state));
}

static VbOperation *
new_operation (VbTransfer *transfer)
{
  VbOperationRecord *record = vb_operation_record_new ();
  record->id = g_uuid_string_random ();
  return vb_operation_new (record, transfer, 1800);
}

static void
test_progress_follows_transfer (void)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autoptr (VbOperation) operation = new_operation (transfer);
  vb_transfer_set_total (transfer, 1000);
  vb_transfer_add (transfer, 500);
  g_assert_true (vb_operation_sample (operation, g_get_monotonic_time ()));
  g_assert_cmpuint (vb_operation_get_record (operation)->bytes_done, ==, 500);

  g_autoptr (VbOperationRecord) record
      = vb_operation_record_copy (vb_operation_get_record (operation));
  record->state = VB_OPERATION_COMPLETED;
  vb_operation_apply (operation, record);
  g_assert_cmpfloat (vb_operation_get_record (operation)->progress, ==, 100);
}

static void
test_cancel_or_close (void)
{
  g_autoptr (VbTransfer) cancelled = vb_transfer_new (NULL, 0);
  g_assert_true (vb_transfer_cancel (cancelled));
  g_assert_false (vb_transfer_close (cancelled));
  g_autoptr (GError) error = NULL;
  g_assert_false (vb_transfer_check (cancelled, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CANCELLED);

  g_autoptr (VbTransfer) closed = vb_transfer_new (NULL, 0);
  g_assert_true (vb_transfer_close (closed));
  g_assert_false (vb_transfer_cancel (closed));
  g_assert_true (vb_transfer_check (closed, NULL));
}

static gboolean
refuse (gpointer data, GError **error)
{
  (*(guint *) data)++;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE, "no");
  return FALSE;
}

static void
test_tick_stops_transfer (void)
{
  guint calls = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  vb_transfer_set_tick (transfer, refuse, &calls);
  g_assert_false (vb_transfer_check (transfer, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE);
  g_assert_true (vb_transfer_check (transfer, NULL)); /* not before another second */
  g_assert_cmpuint (calls, ==, 1);
}

static void
test_throttle (void)
{
  g_autoptr (VbTransfer) unlimited = vb_transfer_new (NULL, 0);
  vb_transfer_add (unlimited, G_MAXUINT32);
  g_assert_cmpint (vb_transfer_throttle_us (unlimited), ==, 0);

  g_autoptr (VbTransfer) limited = vb_transfer_new (NULL, 1000);
  g_assert_cmpint (vb_transfer_throttle_us (limited), ==, 0);
  vb_transfer_add (limited, 60 * 1000);
  gint64 wait_us = vb_transfer_throttle_us (limited);
  g_assert_cmpint (wait_us, >, 30 * G_USEC_PER_SEC);
  g_assert_cmpint (wait_us, <=, 60 * G_USEC_PER_SEC);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/operation/table", test_table);
  g_test_add_func ("/operation/words", test_words);
  g_test_add_func ("/operation/progress-follows-transfer", test_progress_follows_transfer);
  g_test_add_func ("/transfer/cancel-or-close", test_cancel_or_close);
  g_test_add_func ("/transfer/tick-stops", test_tick_stops_transfer);
  g_test_add_func ("/transfer/throttle", test_throttle);
  return g_test_run ();
}
