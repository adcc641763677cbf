/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the journal answers: its disk may hang, and nothing can be admitted then. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

#define CHECK_PERIOD_S 5
/* A disk that has not answered for so long hangs. */
#define HUNG_AFTER_US (10 * G_USEC_PER_SEC)

static void
set_hung (VbManager *self, gboolean hung)
{
  if (self->journal_hung == hung)
    return;
  self->journal_hung = hung;
  if (hung)
    vb_log_warning (NULL, NULL, NULL,
                    "The journal does not answer: the disk of the state folder hangs");
  else
    vb_log_info (NULL, NULL, NULL, "The journal answers again");
}

/* It queues behind what is written, as every request does. */
static void
ask_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  g_autoptr (GPtrArray) none = vb_journal_list_operations (self->journal, "", 1, NULL);
  g_task_return_boolean (task, TRUE);
}

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);

  self->journal_asked_us = 0;
  set_hung (self, FALSE);
}

static gboolean
ask (gpointer data)
{
  VbManager *self = data;
  gint64 now_us = g_get_monotonic_time ();

  if (self->journal_asked_us != 0)
    {
      if (now_us - self->journal_asked_us > HUNG_AFTER_US)
        set_hung (self, TRUE);
      return G_SOURCE_CONTINUE;
    }
  self->journal_asked_us = now_us;
  g_autoptr (GTask) task = g_task_new (self, NULL, answered, NULL);
  vb_worker_run (self->journal_worker, task, ask_in_thread);
  return G_SOURCE_CONTINUE;
}

void
vb_manager_watch_journal (VbManager *self)
{
  self->journal_timer = g_timeout_add_seconds (CHECK_PERIOD_S, ask, self);
}

void
vb_manager_unwatch_journal (VbManager *self)
{
  g_clear_handle_id (&self->journal_timer, g_source_remove);
}

gboolean
vb_manager_is_journal_available (VbManager *self)
{
  return !self->journal_hung;
}
