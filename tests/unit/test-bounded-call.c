/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-bounded-call.h"

#define LIMIT_MS 30000
#define SHORT_MS 20

/* What a call works on: it outlives the test when it is given up. */
typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean held;
  guint n_begun;
  guint n_freed; /* of data and of results */
} Hung;

static gpointer
add_one (gpointer data)
{
  return GUINT_TO_POINTER (GPOINTER_TO_UINT (data) + 1);
}

static void
free_nothing (gpointer data)
{
}

static gpointer
hang (gpointer data)
{
  Hung *hung = data;

  g_mutex_lock (&hung->mutex);
  hung->n_begun++;
  g_cond_broadcast (&hung->cond);
  while (hung->held)
    g_cond_wait (&hung->cond, &hung->mutex);
  g_mutex_unlock (&hung->mutex);
  return hung;
}

static void
note_freed (gpointer data)
{
  Hung *hung = data;

  g_mutex_lock (&hung->mutex);
  hung->n_freed++;
  g_cond_broadcast (&hung->cond);
  g_mutex_unlock (&hung->mutex);
}

static void
wait_freed (Hung *hung, guint n)
{
  g_mutex_lock (&hung->mutex);
  while (hung->n_freed < n)
    g_cond_wait (&hung->cond, &hung->mutex);
  g_mutex_unlock (&hung->mutex);
}

static void
test_answers (void)
{
  g_autoptr (VbBoundedCall) call = vb_bounded_call_new (LIMIT_MS);
  gpointer result;

  for (guint i = 0; i < 1000; i++)
    {
      g_assert_true (vb_bounded_call_run (call, add_one, GUINT_TO_POINTER (i), free_nothing,
                                          &result, free_nothing));
      g_assert_cmpuint (GPOINTER_TO_UINT (result), ==, i + 1);
    }
}

static gboolean
ask (VbBoundedCall *call, Hung *hung)
{
  gpointer result = NULL;
  gboolean answered = vb_bounded_call_run (call, hang, hung, note_freed, &result, note_freed);
  g_assert_true (result == (answered ? hung : NULL));
  return answered;
}

/* One that hangs is given up, none is begun behind it, and what it had is freed when it ends. */
static void
test_hangs (void)
{
  g_autoptr (VbBoundedCall) call = vb_bounded_call_new (SHORT_MS);
  static Hung hung = { .held = TRUE }; /* a thread may be about to end when the test has */

  g_assert_false (ask (call, &hung));
  for (guint i = 0; i < 100; i++)
    g_assert_false (ask (call, &hung));
  g_mutex_lock (&hung.mutex);
  g_assert_cmpuint (hung.n_begun, <=, 1);
  g_assert_cmpuint (hung.n_freed, ==, 100); /* what was not begun */
  hung.held = FALSE;
  g_cond_broadcast (&hung.cond);
  g_mutex_unlock (&hung.mutex);
  while (!ask (call, &hung))
    g_usleep (1000);
}

static void
test_freed_while_it_hangs (void)
{
  VbBoundedCall *call = vb_bounded_call_new (SHORT_MS);
  static Hung hung = { .held = TRUE }; /* a thread may be about to end when the test has */

  g_assert_false (ask (call, &hung));
  vb_bounded_call_free (call);
  g_mutex_lock (&hung.mutex);
  hung.held = FALSE;
  g_cond_broadcast (&hung.cond);
  g_mutex_unlock (&hung.mutex);
  wait_freed (&hung, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bounded-call/answers", test_answers);
  g_test_add_func ("/bounded-call/hangs", test_hangs);
  g_test_add_func ("/bounded-call/freed-while-it-hangs", test_freed_while_it_hangs);
  return g_test_run ();
}
