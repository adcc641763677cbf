/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "session/vb-send-queue.h"

static gboolean
push (VbSendQueue *queue, VbSendKind kind, const char *vps, const char *text)
{
  char *shared = g_ref_string_new (text);
  gboolean ok = vb_send_queue_push (queue, kind, vps, shared);

  g_ref_string_release (shared);
  return ok;
}

/* Returns: (transfer full): all that comes out, joined by spaces */
static char *
drain (VbSendQueue *queue)
{
  g_autoptr (GString) all = g_string_new (NULL);
  char *text;

  while ((text = vb_send_queue_pop (queue)) != NULL)
    {
      g_string_append_printf (all, "%s%s", all->len > 0 ? " " : "", text);
      g_ref_string_release (text);
    }

  g_assert_true (vb_send_queue_is_empty (queue));
  g_assert_cmpuint (vb_send_queue_get_bytes (queue), ==, 0);
  return g_string_free (g_steal_pointer (&all), FALSE);
}

static void
assert_drains (VbSendQueue *queue, const char *wanted)
{
  g_autofree char *all = drain (queue);

  g_assert_cmpstr (all, ==, wanted);
}

static void
test_order (void)
{
  g_autoptr (VbSendQueue) queue = vb_send_queue_new (1000);

  g_assert_null (vb_send_queue_pop (queue));
  g_assert_true (push (queue, VB_SEND_ALWAYS, NULL, "answer"));
  g_assert_true (push (queue, VB_SEND_STATE, "a", "a1"));
  g_assert_true (push (queue, VB_SEND_PROGRESS, "a", "p1"));
  g_assert_true (push (queue, VB_SEND_ALWAYS, NULL, "answer"));
  g_assert_cmpuint (vb_send_queue_get_bytes (queue), ==, 16);
  assert_drains (queue, "answer a1 p1 answer");
  g_assert_true (push (queue, VB_SEND_STATE, "a", "again"));
  assert_drains (queue, "again");
}

static void
test_newer_replaces_older (void)
{
  g_autoptr (VbSendQueue) queue = vb_send_queue_new (1000);

  push (queue, VB_SEND_STATE, "a", "a1");
  push (queue, VB_SEND_STATE, "b", "b1");
  push (queue, VB_SEND_PROGRESS, "a", "p2");
  push (queue, VB_SEND_STATE, "a", "a3");
  push (queue, VB_SEND_PROGRESS, "a", "p4");
  push (queue, VB_SEND_STATE, "a", "a5");
  /* In the order of their numbers, and nothing but the newest of each kind. */
  assert_drains (queue, "b1 p4 a5");
}

static void
test_progress_goes_first (void)
{
  g_autoptr (VbSendQueue) queue = vb_send_queue_new (12);

  push (queue, VB_SEND_PROGRESS, "a", "pppp");
  push (queue, VB_SEND_STATE, "a", "aaaa");
  push (queue, VB_SEND_PROGRESS, "b", "qqqq");
  g_assert_true (push (queue, VB_SEND_STATE, "b", "bbbb"));
  g_assert_cmpuint (vb_send_queue_get_bytes (queue), ==, 8);
  g_assert_true (push (queue, VB_SEND_STATE, "c", "cccc"));
  /* No room even for that; it is not missed. */
  g_assert_true (push (queue, VB_SEND_PROGRESS, "c", "pppp"));
  assert_drains (queue, "aaaa bbbb cccc");
}

static void
test_too_slow (void)
{
  g_autoptr (VbSendQueue) queue = vb_send_queue_new (10);

  g_assert_true (push (queue, VB_SEND_STATE, "a", "aaaa"));
  g_assert_true (push (queue, VB_SEND_STATE, "b", "bbbb"));
  g_assert_true (push (queue, VB_SEND_STATE, "a", "AAAA"));
  g_assert_true (push (queue, VB_SEND_ALWAYS, NULL, "xx"));
  g_assert_false (push (queue, VB_SEND_ALWAYS, NULL, "y"));
  g_assert_false (push (queue, VB_SEND_STATE, "c", "c"));
}

static void
test_one_long_text (void)
{
  g_autoptr (VbSendQueue) queue = vb_send_queue_new (10);

  g_assert_true (push (queue, VB_SEND_ALWAYS, NULL, "far longer than the limit"));
  g_assert_false (push (queue, VB_SEND_ALWAYS, NULL, "x"));
  vb_send_queue_set_limit (queue, 1000);
  g_assert_true (push (queue, VB_SEND_ALWAYS, NULL, "x"));
  assert_drains (queue, "far longer than the limit x");
}

static void
test_popped_is_not_replaced (void)
{
  g_autoptr (VbSendQueue) queue = vb_send_queue_new (1000);
  char *text;

  push (queue, VB_SEND_STATE, "a", "a1");
  push (queue, VB_SEND_STATE, "b", "b1");
  text = vb_send_queue_pop (queue);
  g_assert_cmpstr (text, ==, "a1");
  g_ref_string_release (text);
  push (queue, VB_SEND_STATE, "a", "a2");
  assert_drains (queue, "b1 a2");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/send-queue/order", test_order);
  g_test_add_func ("/send-queue/newer-replaces-older", test_newer_replaces_older);
  g_test_add_func ("/send-queue/progress-goes-first", test_progress_goes_first);
  g_test_add_func ("/send-queue/too-slow", test_too_slow);
  g_test_add_func ("/send-queue/one-long-text", test_one_long_text);
  g_test_add_func ("/send-queue/popped-is-not-replaced", test_popped_is_not_replaced);
  return g_test_run ();
}
