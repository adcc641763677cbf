/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a turn when, of work that reads much. */
#include "rpc/vb-bulk-queue.h"

static GString *turns;

static void
take_turn (gpointer data)
{
  g_string_append_printf (turns, "%s ", (const char *) data);
}

typedef struct
{
  guint host_max;
  gboolean each_vps;
  const char *pushed; /* subject, VPS, which one */
  const char *done;   /* in this order */
  const char *turns;
} Row;

static const Row rows[] = {
  /* One subject has one at a time, in order. */
  { 4, TRUE, "a1x a2y a3z", "x y z", "x y z " },
  /* Another one need not wait for all that the first has asked for. */
  { 1, TRUE, "a1x a1y a1z b2u", "x u y", "x u y z " },
  { 2, TRUE, "a1x a1y a1z b2u b2v c3w", "x u w y", "x u w y v z " },
  /* Nor do two subjects read the same VPS at a time, where that matters. */
  { 4, TRUE, "a1x b1y b2z", "x", "x z " },
  { 4, TRUE, "a1x b1y b2z", "x z", "x z y " },
  { 4, FALSE, "a1x b1y b2z", "", "x y " },
  /* What is not wanted any more has no turn. */
  { 1, TRUE, "a1x a1y b1z", "y x", "x z " },
};

static void
test_turns (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (VbBulkQueue) queue
          = vb_bulk_queue_new (rows[i].host_max, rows[i].each_vps, take_turn);
      g_auto (GStrv) pushed = g_strsplit (rows[i].pushed, " ", -1);
      g_auto (GStrv) done = g_strsplit (rows[i].done, " ", -1);

      turns = g_string_new (NULL);
      for (char **one = pushed; *one != NULL; one++)
        {
          const char subject[] = { (*one)[0], '\0' }, vps[] = { (*one)[1], '\0' };

          g_assert_true (
              vb_bulk_queue_push (queue, subject, vps, (gpointer) g_intern_string (*one + 2)));
        }
      for (char **one = done; *one != NULL && **one != '\0'; one++)
        vb_bulk_queue_done (queue, (gpointer) g_intern_string (*one));
      g_assert_cmpstr (turns->str, ==, rows[i].turns);
      g_string_free (turns, TRUE);
    }
}

static void
test_limit (void)
{
  g_autoptr (VbBulkQueue) queue = vb_bulk_queue_new (1, TRUE, take_turn);

  turns = g_string_new (NULL);
  /* The first has its turn and does not wait. */
  for (guint i = 0; i <= VB_BULK_WAITING_MAX; i++)
    {
      g_autofree char *item = g_strdup_printf ("%u", i);

      g_assert_true (vb_bulk_queue_push (queue, "a", "1", (gpointer) g_intern_string (item)));
    }
  g_assert_false (vb_bulk_queue_push (queue, "a", "1", turns));
  g_assert_true (vb_bulk_queue_push (queue, "b", "1", turns));
  g_string_free (turns, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bulk-queue/turns", test_turns);
  g_test_add_func ("/bulk-queue/limit", test_limit);
  return g_test_run ();
}
