/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/vb-ahead-tokens.h"

#define NOW 1000000

static void
test_revoked_until (void)
{
  g_autoptr (VbAheadTokens) ahead = vb_ahead_tokens_new ();

  vb_ahead_tokens_add (ahead, "eve", NOW - 5, NOW);
  g_assert_cmpint (vb_ahead_tokens_revoke (ahead, "eve", NOW), ==, NOW);
  vb_ahead_tokens_add (ahead, "eve", NOW + 25, NOW);
  vb_ahead_tokens_add (ahead, "eve", NOW + 10, NOW);
  g_assert_cmpint (vb_ahead_tokens_revoke (ahead, "eve", NOW + 1), ==, NOW + 25);
  g_assert_cmpint (vb_ahead_tokens_revoke (ahead, "bob", NOW + 1), ==, NOW + 1);
  /* Once our clock is there, too, it tells old from new. */
  g_assert_cmpint (vb_ahead_tokens_revoke (ahead, "eve", NOW + 40), ==, NOW + 40);
}

static void
test_suspect (void)
{
  g_autoptr (VbAheadTokens) ahead = vb_ahead_tokens_new ();

  g_assert_false (vb_ahead_tokens_is_suspect (ahead, "eve", NOW + 25, NOW));
  vb_ahead_tokens_revoke (ahead, "eve", NOW);
  g_assert_true (vb_ahead_tokens_is_suspect (ahead, "eve", NOW + 25, NOW));
  g_assert_false (vb_ahead_tokens_is_suspect (ahead, "eve", NOW + 2, NOW));
  g_assert_false (vb_ahead_tokens_is_suspect (ahead, "bob", NOW + 25, NOW));
  g_assert_false (vb_ahead_tokens_is_suspect (ahead, "eve", NOW + 60, NOW + 35));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ahead-tokens/revoked-until", test_revoked_until);
  g_test_add_func ("/ahead-tokens/suspect", test_suspect);
  return g_test_run ();
}
