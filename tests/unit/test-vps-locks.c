/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/manager/vb-vps-locks.h"

#define VPS "0a0a0a0a-1111-4222-8333-444444444444"
#define OTHER "0b0b0b0b-1111-4222-8333-444444444444"
#define POOL VB_VPS_LOCK_NEEDS_POOL
#define BOTH (VB_VPS_LOCK_NEEDS_POOL | VB_VPS_LOCK_NEEDS_JOURNAL)
#define NOTHING VB_VPS_LOCK_NEEDS_NOTHING

/* One that asks for a lock, and what became of it. */
typedef struct
{
  VbVpsLock *lock;
  int refused; /* VbError, -1: not */
  guint n_abandoned;
  int abandoned; /* VbError */
  guint n_regained;
  gboolean free_at_once;
} Asker;

typedef struct
{
  VbVpsLocks *locks;
  Asker a, b, c;
} Lab;

static void
answered (VbVpsLock *lock, const GError *error, gpointer user_data)
{
  Asker *asker = user_data;

  g_assert_null (asker->lock);
  g_assert_true ((lock != NULL) != (error != NULL));
  asker->refused = error ? error->code : -1;
  asker->lock = lock;
  if (asker->free_at_once)
    g_clear_pointer (&asker->lock, vb_vps_lock_free);
}

static void
abandon (const GError *error, gpointer user_data)
{
  Asker *asker = user_data;

  asker->n_abandoned++;
  asker->abandoned = error->code;
}

static void
regained (gpointer user_data)
{
  ((Asker *) user_data)->n_regained++;
}

static void
ask (Lab *f, Asker *asker, const char *vps, VbVpsLockNeeds needs)
{
  asker->refused = -1;
  vb_vps_locks_acquire (f->locks, vps, needs, answered, asker);
}

static void
leave (Asker *asker)
{
  g_assert_nonnull (asker->lock);
  g_clear_pointer (&asker->lock, vb_vps_lock_free);
}

static void
set_up (Lab *f, gconstpointer data)
{
  f->locks = vb_vps_locks_new ();
}

static void
tear_down (Lab *f, gconstpointer data)
{
  g_assert_cmpuint (vb_vps_locks_get_n (f->locks), ==, 0);
  vb_vps_locks_unref (f->locks);
}

static void
test_one_after_the_other (Lab *f, gconstpointer data)
{
  ask (f, &f->a, VPS, POOL);
  ask (f, &f->b, VPS, NOTHING);
  ask (f, &f->c, OTHER, POOL);
  g_assert_nonnull (f->a.lock);
  g_assert_null (f->b.lock); /* the owner has not yielded */
  g_assert_nonnull (f->c.lock);
  leave (&f->a);
  g_assert_nonnull (f->b.lock);
  leave (&f->b);
  leave (&f->c);
}

static void
test_beside_one_that_yields (Lab *f, gconstpointer data)
{
  ask (f, &f->a, VPS, POOL);
  ask (f, &f->b, VPS, POOL);
  ask (f, &f->c, VPS, NOTHING);
  vb_vps_lock_yield (f->a.lock, 0, abandon, &f->a);
  g_assert_null (f->b.lock);    /* it needs the pool as well */
  g_assert_nonnull (f->c.lock); /* though it came later */

  /* The owner waits for who is beside it, and nobody else comes in meanwhile. */
  vb_vps_lock_regain (f->a.lock, regained, &f->a);
  g_assert_cmpuint (f->a.n_regained, ==, 0);
  Asker late = { 0 };
  ask (f, &late, VPS, NOTHING);
  g_assert_null (late.lock);
  leave (&f->c);
  g_assert_cmpuint (f->a.n_regained, ==, 1);
  g_assert_null (late.lock);
  leave (&f->a);
  g_assert_nonnull (f->b.lock);
  leave (&f->b);
  g_assert_nonnull (late.lock);
  leave (&late);
}

static void
test_one_at_a_time_beside (Lab *f, gconstpointer data)
{
  ask (f, &f->a, VPS, POOL);
  vb_vps_lock_yield (f->a.lock, 0, abandon, &f->a);
  ask (f, &f->b, VPS, NOTHING);
  ask (f, &f->c, VPS, NOTHING);
  g_assert_nonnull (f->b.lock);
  g_assert_null (f->c.lock);
  leave (&f->b);
  g_assert_nonnull (f->c.lock);
  leave (&f->a); /* it failed, with somebody beside it */
  ask (f, &f->b, VPS, POOL);
  g_assert_null (f->b.lock);
  leave (&f->c);
  leave (&f->b);
}

/* Only an admission waits for the journal; who waits for an admission does so as well. */
static void
test_journal_is_missing (Lab *f, gconstpointer data)
{
  ask (f, &f->a, VPS, BOTH);
  vb_vps_lock_yield (f->a.lock, 0, abandon, &f->a);
  ask (f, &f->b, VPS, POOL);
  g_assert_null (f->b.lock);
  ask (f, &f->c, OTHER, POOL);
  vb_vps_lock_yield (f->c.lock, 0, abandon, &f->c);
  vb_vps_locks_set_journal_missing (f->locks, TRUE);
  g_assert_cmpint (f->a.abandoned, ==, VB_ERROR_JOURNAL_UNAVAILABLE);
  g_assert_cmpint (f->b.refused, ==, VB_ERROR_JOURNAL_UNAVAILABLE);
  g_assert_cmpuint (f->c.n_abandoned, ==, 0);
  leave (&f->a);

  /* An owner that does not need it comes to its end. */
  ask (f, &f->b, OTHER, POOL);
  g_assert_null (f->b.lock);
  leave (&f->c);
  g_assert_nonnull (f->b.lock);
  leave (&f->b);
}

static void
test_pool_is_missing (Lab *f, gconstpointer data)
{
  ask (f, &f->a, VPS, POOL);
  vb_vps_lock_yield (f->a.lock, 0, abandon, &f->a);
  ask (f, &f->b, VPS, POOL);
  vb_vps_locks_set_pool_missing (f->locks, TRUE);
  g_assert_cmpint (f->b.refused, ==, VB_ERROR_POOL_UNAVAILABLE);
  g_assert_cmpuint (f->a.n_abandoned, ==, 1);
  g_assert_cmpint (f->a.abandoned, ==, VB_ERROR_POOL_UNAVAILABLE);

  /* Newcomers, too, and nobody is told twice; power goes on. */
  ask (f, &f->b, VPS, POOL);
  g_assert_cmpint (f->b.refused, ==, VB_ERROR_POOL_UNAVAILABLE);
  vb_vps_locks_set_pool_missing (f->locks, TRUE);
  g_assert_cmpuint (f->a.n_abandoned, ==, 1);
  ask (f, &f->c, VPS, NOTHING);
  leave (&f->c);

  vb_vps_locks_set_pool_missing (f->locks, FALSE);
  ask (f, &f->b, VPS, POOL);
  g_assert_cmpint (f->b.refused, ==, -1);
  leave (&f->a);
  leave (&f->b);
}

/* Where nobody is in the way the request's own checks say what is wrong. */
static void
test_free_though_the_pool_is_missing (Lab *f, gconstpointer data)
{
  vb_vps_locks_set_pool_missing (f->locks, TRUE);
  ask (f, &f->a, VPS, POOL);
  leave (&f->a);
}

static void
test_limit (Lab *f, gconstpointer data)
{
  ask (f, &f->a, VPS, POOL);
  vb_vps_lock_yield (f->a.lock, 1, abandon, &f->a);
  while (f->a.n_abandoned == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (f->a.abandoned, ==, VB_ERROR_HYPERVISOR_UNAVAILABLE);
  vb_vps_lock_regain (f->a.lock, regained, &f->a);
  g_assert_cmpuint (f->a.n_regained, ==, 1);
  leave (&f->a);
}

static void
test_refuse_all (Lab *f, gconstpointer data)
{
  ask (f, &f->a, VPS, POOL);
  ask (f, &f->b, VPS, NOTHING);
  ask (f, &f->c, VPS, POOL);
  vb_vps_locks_refuse_all (f->locks, VB_ERROR_INTERRUPTED);
  g_assert_cmpint (f->b.refused, ==, VB_ERROR_INTERRUPTED);
  g_assert_cmpint (f->c.refused, ==, VB_ERROR_INTERRUPTED);
  leave (&f->a);
}

static void
test_many_that_leave_at_once (Lab *f, gconstpointer data)
{
  Asker many[100] = { 0 };

  ask (f, &f->a, VPS, POOL);
  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    {
      many[i].free_at_once = TRUE;
      ask (f, &many[i], VPS, i % 2 ? POOL : NOTHING);
    }
  leave (&f->a);
  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    g_assert_cmpint (many[i].refused, ==, -1);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Lab *, gconstpointer);
  } tests[] = {
    { "one-after-the-other", test_one_after_the_other },
    { "beside-one-that-yields", test_beside_one_that_yields },
    { "one-at-a-time-beside", test_one_at_a_time_beside },
    { "pool-is-missing", test_pool_is_missing },
    { "journal-is-missing", test_journal_is_missing },
    { "free-though-the-pool-is-missing", test_free_though_the_pool_is_missing },
    { "limit", test_limit },
    { "refuse-all", test_refuse_all },
    { "many-that-leave-at-once", test_many_that_leave_at_once },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/vps-locks/%s", tests[i].name);
      g_test_add (path, Lab, NULL, set_up, tests[i].test, tear_down);
    }
  return g_test_run ();
}
