/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/model/vb-progress.h"

#define SECOND G_USEC_PER_SEC

static void
test_never_backwards_never_100 (void)
{
  g_autoptr (VbProgress) progress = vb_progress_new (0, 0);
  g_assert_true (vb_progress_update (progress, 50, 100, SECOND));
  double half = vb_progress_get_percent (progress);
  g_assert_cmpfloat (half, >, 45);

  /* A capture that restarts counts from 0 again; what the customer saw stays. */
  vb_progress_update (progress, 0, 100, 2 * SECOND);
  g_assert_cmpfloat (vb_progress_get_percent (progress), ==, half);
  vb_progress_update (progress, 100, 100, 3 * SECOND);
  g_assert_cmpfloat (vb_progress_get_percent (progress), <, 100);
  vb_progress_update (progress, 300, 100, 4 * SECOND);
  g_assert_cmpfloat (vb_progress_get_percent (progress), <, 100);
  vb_progress_complete (progress);
  g_assert_cmpfloat (vb_progress_get_percent (progress), ==, 100);
}

static void
test_one_decimal (void)
{
  g_autoptr (VbProgress) progress = vb_progress_new (0, 0);
  for (guint i = 0; i <= 997; i++)
    {
      vb_progress_update (progress, i, 997, i * SECOND);
      double tenths = vb_progress_get_percent (progress) * 10;
      g_assert_cmpfloat_with_epsilon (tenths, (double) (gint64) (tenths + 0.5), 1e-6);
    }
}

static void
test_rate_and_eta (void)
{
  g_autoptr (VbProgress) progress = vb_progress_new (0, 0);
  g_assert_cmpint (vb_progress_get_eta_s (progress, 0), ==, -1);
  for (gint64 t = 0; t <= 10; t++)
    vb_progress_update (progress, (guint64) t * 1000, 100000, t * SECOND);
  g_assert_cmpuint (vb_progress_get_rate (progress, 10 * SECOND), ==, 1000);
  g_assert_cmpint (vb_progress_get_eta_s (progress, 10 * SECOND), ==, 90);

  /* The window is bounded: an hour of standing still is not averaged with the first seconds for
   * ever. */
  for (gint64 t = 11; t <= 60; t++)
    vb_progress_update (progress, 10000, 100000, t * SECOND);
  g_assert_cmpuint (vb_progress_get_rate (progress, 60 * SECOND), ==, 0);
  g_assert_cmpint (vb_progress_get_eta_s (progress, 60 * SECOND), ==, -1);
}

static void
test_stall (void)
{
  g_autoptr (VbProgress) progress = vb_progress_new (30 * SECOND, 0);
  vb_progress_update (progress, 1, 100, SECOND);
  g_assert_false (vb_progress_is_stalled (progress, 30 * SECOND));
  g_assert_true (vb_progress_is_stalled (progress, 31 * SECOND));
  vb_progress_update (progress, 2, 100, 40 * SECOND);
  g_assert_false (vb_progress_is_stalled (progress, 41 * SECOND));
  vb_progress_touch (progress, 60 * SECOND);
  g_assert_false (vb_progress_is_stalled (progress, 89 * SECOND));
  vb_progress_complete (progress);
  g_assert_false (vb_progress_is_stalled (progress, 1000 * SECOND));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress/never-backwards-never-100", test_never_backwards_never_100);
  g_test_add_func ("/progress/one-decimal", test_one_decimal);
  g_test_add_func ("/progress/rate-and-eta", test_rate_and_eta);
  g_test_add_func ("/progress/stall", test_stall);
  return g_test_run ();
}
