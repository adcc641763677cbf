/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/vb-subscriptions.h"

static char ann[] = "ann", bob[] = "bob";

/* Returns: (transfer full): first letters of who listens, in alphabetical order */
static char *
who (VbSubscriptions *subscriptions, const char *vps)
{
  g_autoptr (GPtrArray) found = vb_subscriptions_collect (subscriptions, vps);
  guint n_ann = 0, n_bob = 0;

  for (guint i = 0; found != NULL && i < found->len; i++)
    {
      n_ann += g_ptr_array_index (found, i) == ann ? 1 : 0;
      n_bob += g_ptr_array_index (found, i) == bob ? 1 : 0;
    }
  g_assert_cmpuint (n_ann, <=, 1);
  g_assert_cmpuint (n_bob, <=, 1);
  return g_strconcat (n_ann > 0 ? "a" : "", n_bob > 0 ? "b" : "", NULL);
}

static void
assert_who (VbSubscriptions *subscriptions, const char *vps, const char *wanted)
{
  g_autofree char *found = who (subscriptions, vps);

  g_assert_cmpstr (found, ==, wanted);
}

static void
test_named (void)
{
  g_autoptr (VbSubscriptions) subscriptions = vb_subscriptions_new ();

  assert_who (subscriptions, "1", "");
  vb_subscriptions_add (subscriptions, ann, "1");
  vb_subscriptions_add (subscriptions, ann, "1");
  vb_subscriptions_add (subscriptions, bob, "1");
  vb_subscriptions_add (subscriptions, bob, "2");
  assert_who (subscriptions, "1", "ab");
  assert_who (subscriptions, "2", "b");
  vb_subscriptions_remove (subscriptions, bob, "1");
  vb_subscriptions_remove (subscriptions, bob, "3");
  assert_who (subscriptions, "1", "a");
  vb_subscriptions_remove (subscriptions, ann, NULL);
  vb_subscriptions_remove (subscriptions, ann, NULL);
  assert_who (subscriptions, "1", "");
  assert_who (subscriptions, "2", "b");
}

static void
test_all (void)
{
  g_autoptr (VbSubscriptions) subscriptions = vb_subscriptions_new ();

  vb_subscriptions_add (subscriptions, ann, "1");
  vb_subscriptions_add (subscriptions, ann, NULL);
  vb_subscriptions_add (subscriptions, bob, "1");
  assert_who (subscriptions, "1", "ab");
  assert_who (subscriptions, "never seen before", "a");
  vb_subscriptions_remove (subscriptions, ann, "1");
  assert_who (subscriptions, "1", "b");
  assert_who (subscriptions, "2", "a");
  vb_subscriptions_add (subscriptions, ann, "1");
  assert_who (subscriptions, "1", "ab");
  vb_subscriptions_remove (subscriptions, ann, "2");
  vb_subscriptions_add (subscriptions, ann, NULL);
  assert_who (subscriptions, "2", "a");
  vb_subscriptions_remove (subscriptions, ann, NULL);
  assert_who (subscriptions, "1", "b");
  assert_who (subscriptions, "2", "");
}

static gboolean
keep_equal (const char *vps, gpointer user_data)
{
  return g_str_equal (vps, user_data);
}

static void
test_retain (void)
{
  g_autoptr (VbSubscriptions) subscriptions = vb_subscriptions_new ();
  char one[] = "1";

  vb_subscriptions_retain (subscriptions, ann, keep_equal, one);
  for (const char *vps = "123"; *vps != '\0'; vps++)
    {
      char name[] = { *vps, '\0' };

      vb_subscriptions_add (subscriptions, ann, name);
      vb_subscriptions_add (subscriptions, bob, name);
    }
  vb_subscriptions_retain (subscriptions, ann, keep_equal, one);
  assert_who (subscriptions, "1", "ab");
  assert_who (subscriptions, "2", "b");
  assert_who (subscriptions, "3", "b");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/subscriptions/named", test_named);
  g_test_add_func ("/subscriptions/all", test_all);
  g_test_add_func ("/subscriptions/retain", test_retain);
  return g_test_run ();
}
