/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may come in no more, and who has asked what. */
#include "vb-manager-private.h"

static gint64
get_now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Revocations */

void
vb_manager_keep_revoked (VbManager *self, GPtrArray *revocations)
{
  for (guint i = 0; i < revocations->len; i++)
    vb_revocations_add (self->revocations, g_ptr_array_index (revocations, i), get_now_s ());
}

static void
revoke_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  GError *error = NULL;

  if (vb_access_journal_save_revocation (VB_ACCESS_JOURNAL (self->journal), data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
vb_manager_revoke_async (VbManager *self,
                         const char *subject,
                         const char *token_id,
                         gint64 issued_until_s,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  VbRevocation *revocation = vb_revocation_new (
      token_id != NULL, token_id != NULL ? token_id : subject, MAX (issued_until_s, get_now_s ()));

  g_task_set_source_tag (task, vb_manager_revoke_async);
  g_task_set_task_data (task, revocation, (GDestroyNotify) vb_revocation_free);
  vb_revocations_add (self->revocations, revocation, get_now_s ());
  /* It holds from now on, and for good as soon as the disk answers. */
  vb_manager_call_journal (self, task, revoke_in_thread, NULL, TRUE);
}

gboolean
vb_manager_revoke_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
vb_manager_is_revoked (VbManager *self,
                       const char *subject,
                       const char *token_id,
                       gint64 issued_at_s)
{
  return vb_revocations_match (self->revocations, subject, token_id, issued_at_s);
}

/* The audit log. However many requests end at the same time, one write at a time is under way and
 * takes all that have come meanwhile. */

typedef struct
{
  VbAuditEntry *entry;
  GTask *task; /* (nullable): until it is answered */
} Audit;

static void write_audit (VbManager *self);

static void
audit_free (gpointer data)
{
  Audit *audit = data;

  g_clear_object (&audit->task);
  vb_audit_entry_free (audit->entry);
  g_free (audit);
}

/* @error: (nullable) */
static void
answer_audits (GPtrArray *audits, const GError *error)
{
  for (guint i = 0; i < audits->len; i++)
    {
      Audit *audit = g_ptr_array_index (audits, i);
      g_autoptr (GTask) task = g_steal_pointer (&audit->task);

      if (task != NULL && error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else if (task != NULL)
        g_task_return_boolean (task, TRUE);
    }
}

static void
add_audit_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  GPtrArray *waiting = data;
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  GError *error = NULL;

  for (guint i = 0; i < waiting->len; i++)
    g_ptr_array_add (entries, ((Audit *) g_ptr_array_index (waiting, i))->entry);
  if (vb_access_journal_add_audit (VB_ACCESS_JOURNAL (self->journal), entries, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_audit_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GPtrArray *waiting = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  const gboolean written = g_task_propagate_boolean (G_TASK (result), &error);

  g_clear_pointer (&self->audit_written, g_ptr_array_unref);
  answer_audits (waiting, written ? NULL : error);
  write_audit (self);
  vb_manager_check_stopped (self);
}

static void
write_audit (VbManager *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->audit_written != NULL || self->audit_waiting->len == 0)
    return;

  self->audit_written = self->audit_waiting;
  self->audit_waiting = g_ptr_array_new_with_free_func (audit_free);
  task = g_task_new (self, NULL, on_audit_added, NULL);
  g_task_set_task_data (task, g_ptr_array_ref (self->audit_written),
                        (GDestroyNotify) g_ptr_array_unref);
  vb_worker_run (self->journal_worker, task, add_audit_in_thread);
}

void
vb_manager_audit_async (VbManager *self,
                        const VbAuditEntry *entry,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  Audit *audit = g_new0 (Audit, 1);

  audit->entry = vb_audit_entry_copy (entry);
  audit->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (audit->task, vb_manager_audit_async);
  vb_audit_entry_log (entry);
  g_ptr_array_add (self->audit_waiting, audit);
  if (self->journal_hung)
    vb_manager_answer_audits (self);
  write_audit (self);
}

/* It is in the log of the host, and is written when the disk answers again: refusals must not wait
 * for that. */
void
vb_manager_answer_audits (VbManager *self)
{
  answer_audits (self->audit_waiting, NULL);
  if (self->audit_written != NULL)
    answer_audits (self->audit_written, NULL);
}

void
vb_manager_init_access (VbManager *self)
{
  self->audit_waiting = g_ptr_array_new_with_free_func (audit_free);
}

gboolean
vb_manager_audit_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

typedef struct
{
  char *vps;
  gboolean done_only;
  gint64 before;
  guint limit;
} Query;

static void
query_free (Query *query)
{
  g_free (query->vps);
  g_free (query);
}

static void
list_audit_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const Query *query = data;
  GError *error = NULL;
  GPtrArray *entries
      = vb_access_journal_list_audit (VB_ACCESS_JOURNAL (self->journal), query->vps,
                                      query->done_only, query->before, query->limit, &error);

  if (entries != NULL)
    g_task_return_pointer (task, entries, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

void
vb_manager_list_audit_async (VbManager *self,
                             const char *vps,
                             gboolean done_only,
                             gint64 before,
                             guint limit,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Query *query = g_new0 (Query, 1);

  query->vps = g_strdup (vps);
  query->done_only = done_only;
  query->before = before;
  query->limit = limit;
  g_task_set_source_tag (task, vb_manager_list_audit_async);
  g_task_set_task_data (task, query, (GDestroyNotify) query_free);
  vb_manager_call_journal (self, task, list_audit_in_thread, (GDestroyNotify) g_ptr_array_unref,
                           FALSE);
}

GPtrArray *
vb_manager_list_audit_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
