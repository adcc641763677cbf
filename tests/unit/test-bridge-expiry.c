/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a connection ends because of its token; the clock may jump. */
#include "session/vb-expiry.h"

#include "auth/vb-token.h"

#define S G_USEC_PER_SEC
#define EXPIRES_S 1000

static void
assert_check (VbExpiry *expiry, gint64 now_us, VbExpiryStep step, gint64 next_us)
{
  gint64 next;

  g_assert_cmpint (vb_expiry_check (expiry, now_us, &next), ==, step);
  g_assert_cmpint (next, ==, next_us);
}

static void
test_warned_once_and_ended (void)
{
  VbExpiry expiry;

  vb_expiry_init (&expiry, EXPIRES_S, 0);
  assert_check (&expiry, 0, VB_EXPIRY_NOT_YET, 940 * S);
  assert_check (&expiry, 940 * S - 1, VB_EXPIRY_NOT_YET, 940 * S);
  assert_check (&expiry, 940 * S, VB_EXPIRY_WARN, EXPIRES_S * S);
  assert_check (&expiry, 941 * S, VB_EXPIRY_NOT_YET, EXPIRES_S * S);
  assert_check (&expiry, EXPIRES_S * S, VB_EXPIRY_ENDED, EXPIRES_S * S);
}

static void
test_a_jump_of_the_clock (void)
{
  VbExpiry expiry;

  vb_expiry_init (&expiry, EXPIRES_S, 0);
  assert_check (&expiry, EXPIRES_S * S + 1, VB_EXPIRY_ENDED, EXPIRES_S * S);
}

static void
test_never (void)
{
  VbExpiry expiry;

  vb_expiry_init (&expiry, 0, 5 * S);
  assert_check (&expiry, G_MAXINT64 - 1, VB_EXPIRY_NOT_YET, G_MAXINT64);
}

/* Taken within the skew of clocks: it lasts until that is over. */
static void
test_within_the_skew (void)
{
  VbExpiry expiry;
  const gint64 end_us = (EXPIRES_S + VB_TOKEN_SKEW_S) * S;

  vb_expiry_init (&expiry, EXPIRES_S, EXPIRES_S * S + 1);
  assert_check (&expiry, EXPIRES_S * S + 1, VB_EXPIRY_WARN, end_us);
  assert_check (&expiry, end_us, VB_EXPIRY_ENDED, end_us);
}

static void
test_soon (void)
{
  VbExpiry expiry;

  vb_expiry_init (&expiry, EXPIRES_S, 0);
  g_assert_true (vb_expiry_end_soon (&expiry, 100 * S));
  assert_check (&expiry, 100 * S, VB_EXPIRY_WARN, 160 * S);
  /* Said again, it does not end later. */
  g_assert_false (vb_expiry_end_soon (&expiry, 130 * S));
  assert_check (&expiry, 130 * S, VB_EXPIRY_NOT_YET, 160 * S);
  assert_check (&expiry, 160 * S, VB_EXPIRY_ENDED, 160 * S);

  vb_expiry_init (&expiry, 0, 0);
  vb_expiry_end_soon (&expiry, 100 * S);
  assert_check (&expiry, 160 * S, VB_EXPIRY_ENDED, 160 * S);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/expiry/warned-once-and-ended", test_warned_once_and_ended);
  g_test_add_func ("/expiry/a-jump-of-the-clock", test_a_jump_of_the_clock);
  g_test_add_func ("/expiry/never", test_never);
  g_test_add_func ("/expiry/within-the-skew", test_within_the_skew);
  g_test_add_func ("/expiry/soon", test_soon);
  return g_test_run ();
}
