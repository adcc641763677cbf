/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A burst of 40, then 20 a second. */
#include "net/vb-rate-limit.h"

static VbRate
take_many (VbRateLimit *limit, guint n, gint64 now_us)
{
  VbRate rate = VB_RATE_OK;

  for (guint i = 0; i < n; i++)
    rate = vb_rate_limit_take (limit, now_us);
  return rate;
}

static void
test_burst (void)
{
  VbRateLimit limit;

  vb_rate_limit_init (&limit, 0);
  g_assert_cmpint (take_many (&limit, 40, 0), ==, VB_RATE_OK);
  g_assert_cmpint (take_many (&limit, 1, 0), ==, VB_RATE_EXCEEDED);
  g_assert_cmpint (take_many (&limit, 39, 0), ==, VB_RATE_EXCEEDED);
  g_assert_cmpint (take_many (&limit, 1, 0), ==, VB_RATE_FLOOD);
}

static void
test_steady (void)
{
  VbRateLimit limit;
  gint64 now_us = 0;

  vb_rate_limit_init (&limit, 0);
  for (guint i = 0; i < 10000; i++, now_us += 50000)
    g_assert_cmpint (take_many (&limit, 1, now_us), ==, VB_RATE_OK);
  /* A little faster goes well for a while, and then not. */
  for (guint i = 0; i < 200; i++, now_us += 45000)
    g_assert_cmpint (take_many (&limit, 1, now_us), ==, VB_RATE_OK);
  for (guint i = 0; i < 2000; i++, now_us += 45000)
    vb_rate_limit_take (&limit, now_us);
  g_assert_cmpint (take_many (&limit, 1, now_us), ==, VB_RATE_FLOOD);
}

static void
test_rest (void)
{
  VbRateLimit limit;

  vb_rate_limit_init (&limit, 0);
  take_many (&limit, 60, 0);
  g_assert_cmpint (take_many (&limit, 1, G_USEC_PER_SEC), ==, VB_RATE_EXCEEDED);
  /* However long nothing came, it is one burst again and no more. */
  g_assert_cmpint (take_many (&limit, 40, G_GINT64_CONSTANT (3600000000)), ==, VB_RATE_OK);
  g_assert_cmpint (take_many (&limit, 1, G_GINT64_CONSTANT (3600000000)), ==, VB_RATE_EXCEEDED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rate-limit/burst", test_burst);
  g_test_add_func ("/rate-limit/steady", test_steady);
  g_test_add_func ("/rate-limit/rest", test_rest);
  return g_test_run ();
}
