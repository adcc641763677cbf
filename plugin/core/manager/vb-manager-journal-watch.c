/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the journal answers: its disk may hang, and nothing can be admitted then. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

#define CHECK_PERIOD_S 5
/* A disk that has not answered for so long hangs. */
#define HUNG_AFTER_US (10 * G_USEC_PER_SEC)

/* What somebody waits for, and the thread's side of it. */
typedef struct
{
  GTask *task;                /* (nullable): until it is answered */
  GDestroyNotify free_result; /* (nullable) */
} JournalCall;

void
vb_manager_init_journal (VbManager *self)
{
  self->journal_calls = g_ptr_array_new ();
}

/* @owned: (transfer full) */
static void
refuse (GTask *owned)
{
  g_autoptr (GTask) task = owned;
  GError *error = NULL;

  vb_error_set_public (&error, VB_ERROR_JOURNAL_UNAVAILABLE);
  g_task_return_error (task, error);
}

static void
call_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  g_autofree JournalCall *call = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&call->task);
  GError *error = NULL;

  if (task == NULL)
    return;
  g_ptr_array_remove_fast (self->journal_calls, call);
  gpointer value = call->free_result != NULL
                       ? g_task_propagate_pointer (G_TASK (result), &error)
                       : GINT_TO_POINTER (g_task_propagate_boolean (G_TASK (result), &error));
  if (error != NULL)
    g_task_return_error (task, error);
  else if (call->free_result != NULL)
    g_task_return_pointer (task, value, call->free_result);
  else
    g_task_return_boolean (task, TRUE);
}

void
vb_manager_call_journal (VbManager *self,
                         GTask *task,
                         GTaskThreadFunc func,
                         GDestroyNotify free_result,
                         gboolean keep)
{
  if (self->journal_hung)
    refuse (g_object_ref (task));
  if (self->journal_hung && !keep)
    return;
  JournalCall *call = g_new0 (JournalCall, 1);
  g_autoptr (GTask) inner = g_task_new (self, NULL, call_ended, call);
  call->free_result = free_result;
  if (!self->journal_hung)
    {
      call->task = g_object_ref (task);
      g_ptr_array_add (self->journal_calls, call);
    }
  /* What it works on is the task's, which may be answered long before. */
  g_task_set_task_data (inner, g_task_get_task_data (task), NULL);
  g_object_set_data_full (G_OBJECT (inner), "vb-task", g_object_ref (task), g_object_unref);
  vb_worker_run (self->journal_worker, inner, func);
}

static void
refuse_all (VbManager *self)
{
  g_autoptr (GPtrArray) calls = g_steal_pointer (&self->journal_calls);

  vb_manager_init_journal (self);
  for (guint i = 0; i < calls->len; i++)
    refuse (g_steal_pointer (&((JournalCall *) g_ptr_array_index (calls, i))->task));
  vb_manager_answer_audits (self);
}

/* Whoever waits for it is told, and so are newcomers until it answers. */
void
vb_manager_set_journal_hung (VbManager *self, gboolean hung)
{
  if (self->journal_hung == hung)
    return;
  self->journal_hung = hung;
  if (hung)
    vb_log_warning (NULL, NULL, NULL,
                    "The journal does not answer: the disk of the state folder hangs");
  else
    vb_log_info (NULL, NULL, NULL, "The journal answers again");
  vb_vps_locks_set_journal_missing (self->locks, hung);
  vb_manager_refresh_availability (self);
  if (hung)
    refuse_all (self);
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
  vb_manager_set_journal_hung (self, FALSE);
}

static gboolean
ask (gpointer data)
{
  VbManager *self = data;
  gint64 now_us = g_get_monotonic_time ();

  if (self->journal_asked_us != 0)
    {
      if (now_us - self->journal_asked_us > HUNG_AFTER_US)
        vb_manager_set_journal_hung (self, TRUE);
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
