/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections and bad tokens by address. */
#include "net/vb-address-limiter.h"

#define SECOND_US ((gint64) G_USEC_PER_SEC)

static void
test_keys (void)
{
  static const char *const table[][3] = {
    { "192.0.2.7", "192.0.2.7", "other" },
    { "::ffff:192.0.2.7", "192.0.2.7", "other" },
    { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "other" },
    { "2001:db8:1:2::ffff", "2001:db8:1:2::/64", "other" },
    { "127.0.0.5", "127.0.0.5", "local" },
    { "::ffff:127.0.0.1", "127.0.0.1", "local" },
    { "::1", "::/64", "local" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (table[i][0]);
      g_autofree char *key = vb_address_limiter_key (address);

      g_assert_cmpstr (key, ==, table[i][1]);
      g_assert_cmpint (vb_address_limiter_is_local (address), ==,
                       g_str_equal (table[i][2], "local"));
    }
}

static void
test_connections (void)
{
  g_autoptr (VbAddressLimiter) book = vb_address_limiter_new ();

  for (guint i = 0; i < 3; i++)
    g_assert_true (vb_address_limiter_enter (book, "a", 3));
  g_assert_false (vb_address_limiter_enter (book, "a", 3));
  g_assert_true (vb_address_limiter_enter (book, "b", 3));
  vb_address_limiter_leave (book, "a");
  g_assert_true (vb_address_limiter_enter (book, "a", 3));
  for (guint i = 0; i < 3; i++)
    vb_address_limiter_leave (book, "a");
  vb_address_limiter_leave (book, "b");
  vb_address_limiter_leave (book, "b");
  g_assert_cmpuint (vb_address_limiter_get_size (book), ==, 0);
}

static void
test_failures (void)
{
  g_autoptr (VbAddressLimiter) book = vb_address_limiter_new ();
  guint last_ms = 0;

  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (vb_address_limiter_fail (book, "a", 0), ==, 0);
  for (guint i = 0; i < 100; i++)
    {
      guint delay_ms = vb_address_limiter_fail (book, "a", 0);

      g_assert_cmpuint (delay_ms, >, 0);
      g_assert_cmpuint (delay_ms, >=, last_ms);
      last_ms = delay_ms;
    }
  g_assert_cmpuint (last_ms, ==, 5000);
  g_assert_cmpuint (vb_address_limiter_fail (book, "b", 0), ==, 0);

  /* It takes back one every ten seconds, and in the end all. */
  g_assert_cmpuint (vb_address_limiter_fail (book, "a", 50 * SECOND_US), ==, 5000);
  g_assert_cmpuint (vb_address_limiter_fail (book, "a", 150 * SECOND_US), ==, 500);
  g_assert_cmpuint (vb_address_limiter_fail (book, "a", 10000 * SECOND_US), ==, 0);
}

static void
test_bounds (void)
{
  g_autoptr (VbAddressLimiter) book = vb_address_limiter_new ();

  g_assert_true (vb_address_limiter_enter (book, "in", 1));
  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      vb_address_limiter_fail (book, key, i);
    }
  g_assert_cmpuint (vb_address_limiter_get_size (book), <=, 4097);
  /* Whoever is in is still counted. */
  g_assert_false (vb_address_limiter_enter (book, "in", 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/address-book/keys", test_keys);
  g_test_add_func ("/address-book/connections", test_connections);
  g_test_add_func ("/address-book/failures", test_failures);
  g_test_add_func ("/address-book/bounds", test_bounds);
  return g_test_run ();
}
