/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the last restore of a VPS has replaced is kept for a while, and can be put back. */
#include "vb-admission.h"
#include "vb-manager-request.h"

#include "core/base/vb-log.h"

/* --- what the definition notes for an undo --- */

static void
settle_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const VbRequest *request = data;
  g_autoptr (GError) error = NULL;

  if (!vb_hypervisor_settle_definition (self->hypervisor, request->vps, &error))
    vb_log_warning (request->vps, NULL, NULL, "Failed to forget the old definition: %s",
                    error->message);
  g_task_return_boolean (task, TRUE);
}

/* A restore or an undo that has begun meanwhile sees to the note itself. */
static void
settle_inside (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);

  if (vps != NULL && vb_vps_get_operation (vps) == NULL
      && vb_undo_keeper_get (self->undos, request->vps) == NULL
      && vb_hypervisor_is_available (self->hypervisor))
    vb_request_work (self, task);
  else
    vb_request_leave (self, task, NULL);
}

static void
settle (VbManager *self, const char *vps)
{
  GTask *task = vb_request_new (self, settle, vps, NULL, NULL, NULL);
  vb_request_of (task)->func = settle_in_thread;
  vb_request_of (task)->worker = self->hypervisor_worker;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_NOTHING, settle_inside);
}

static void
on_changed (VbUndoKeeper *keeper, const char *uuid, gpointer user_data)
{
  VbManager *self = user_data;
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);
  if (vps == NULL)
    return;
  vb_vps_set_undo (vps, vb_undo_keeper_get (keeper, uuid));
  vb_manager_emit_changed (self, vps);
  if (vb_vps_get_undo (vps) == NULL && !self->stopping)
    settle (self, uuid);
}

void
vb_manager_init_undos (VbManager *self)
{
  self->undos = vb_undo_keeper_new (self->pool, self->journal);
  g_signal_connect (self->undos, "changed", G_CALLBACK (on_changed), self);
}

void
vb_manager_load_undos (VbManager *self, GPtrArray *undos, GPtrArray *unended)
{
  /* Both a restore and an undo may be in the middle of it. */
  for (guint i = 0; i < unended->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (unended, i);
      if (record->kind != VB_OPERATION_CREATE)
        vb_undo_keeper_hold (self->undos, record->vps);
    }
  vb_undo_keeper_load (self->undos, undos);
}

void
vb_manager_hand_undo (VbManager *self, VbOperationWorker *job)
{
  g_autoptr (VbOperationRecord) record = vb_operation_worker_dup_record (job);
  if (record->kind != VB_OPERATION_UNDO)
    return;
  const VbUndo *undo = vb_undo_keeper_get (self->undos, record->vps);
  vb_operation_worker_set_undo (job, undo ? vb_undo_copy (undo) : NULL);
  vb_undo_keeper_hold (self->undos, record->vps);
}

void
vb_manager_note_undo (VbManager *self, VbOperationWorker *job, const VbOperationRecord *record)
{
  if (record->kind == VB_OPERATION_CREATE)
    return;
  vb_undo_keeper_release (self->undos, record->vps);
  if (!g_hash_table_contains (self->vps, record->vps))
    vb_undo_keeper_drop (self->undos, record->vps, TRUE);
  if (record->state != VB_OPERATION_COMPLETED)
    return;
  if (record->kind == VB_OPERATION_UNDO)
    vb_undo_keeper_forget (self->undos, record->vps);
  else if (vb_operation_worker_get_undo (job) != NULL)
    vb_undo_keeper_add (self->undos, vb_operation_worker_get_undo (job));
  else
    vb_undo_keeper_drop (self->undos, record->vps, TRUE);
}

/* --- undo.start --- */

static void
undo_inside (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  VbOperationRecord *record = admission->record;
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, record->vps, &error);
  const VbUndo *undo = vps ? vb_undo_keeper_get (self->undos, record->vps) : NULL;

  if (vps != NULL && undo == NULL)
    vb_error_set_public (&error, VB_ERROR_NOT_FOUND);
  else if (vps != NULL && vb_admission_check_ready (self, vps, &error))
    {
      g_clear_pointer (&admission->undo, vb_undo_free);
      admission->undo = vb_undo_copy (undo);
      g_free (record->vps_name);
      record->vps_name = g_strdup (vb_vps_get_name (vps));
      g_free (record->backup);
      record->backup = g_strdup (undo->backup);
      g_free (record->backup_name);
      record->backup_name = g_strdup (undo->backup_name);
      vb_admission_admit (self, task);
      return;
    }
  vb_admission_fail (self, task, error);
}

void
vb_manager_undo_async (VbManager *self,
                       const char *subject,
                       const char *vps,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = vb_admission_task (self, vb_manager_undo_async, VB_OPERATION_UNDO,
                                              subject, vps, undo_inside, callback, user_data);
  GError *error = NULL;
  if (vb_manager_require_vps (self, vps, &error) == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  vb_admission_enter (self, g_steal_pointer (&task), undo_inside);
}

VbOperationRecord *
vb_manager_undo_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return vb_operation_record_copy (vb_admission_of (G_TASK (result))->record);
}

/* --- undo.discard --- */

static void
discard_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const VbRequest *request = data;
  GError *error = NULL;

  if (vb_pool_drop_kept (self->pool, request->undo, FALSE, &error)
      && vb_journal_remove_undo (self->journal, request->undo->operation, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
discard_done (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  const VbUndo *undo = vb_undo_keeper_get (self->undos, request->vps);

  if (undo != NULL && g_str_equal (undo->operation, request->undo->operation))
    vb_undo_keeper_forget (self->undos, request->vps);
}

static void
discard_inside (VbManager *self, GTask *task)
{
  VbRequest *request = vb_request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);
  const VbUndo *undo = vps ? vb_undo_keeper_get (self->undos, request->vps) : NULL;

  if (vps != NULL && undo == NULL)
    vb_error_set_public (&error, VB_ERROR_NOT_FOUND);
  else if (vps != NULL && vb_vps_get_operation (vps) != NULL)
    vb_error_set_public (&error, VB_ERROR_OPERATION_RUNNING);
  else if (vps != NULL)
    {
      request->undo = vb_undo_copy (undo);
      vb_request_work (self, task);
      return;
    }
  vb_request_leave (self, task, error);
}

void
vb_manager_undo_discard_async (VbManager *self,
                               const char *vps,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task
      = vb_request_new (self, vb_manager_undo_discard_async, vps, NULL, callback, user_data);
  vb_request_of (task)->func = discard_in_thread;
  vb_request_of (task)->worker = self->hypervisor_worker;
  vb_request_of (task)->done = discard_done;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_NOTHING, discard_inside);
}

gboolean
vb_manager_undo_discard_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- for a restore that lacks space --- */

static void
drop_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const VbAdmission *admission = data;
  GError *error = NULL;

  if (vb_pool_drop_kept (self->pool, admission->to_drop, FALSE, &error)
      && vb_journal_remove_undo (self->journal, admission->to_drop->operation, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
dropped (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  g_autoptr (VbUndo) undo = g_steal_pointer (&admission->to_drop);

  if (admission->failure != NULL)
    {
      vb_undo_keeper_return (self->undos, undo);
      vb_admission_fail (self, task, g_steal_pointer (&admission->failure));
    }
  else if (admission->answered)
    vb_admission_fail (self, task, NULL);
  else
    admission->rules (self, task);
}

void
vb_admission_make_room (VbManager *self, GTask *task, GError *error)
{
  VbAdmission *admission = vb_admission_of (task);
  const VbUndo *undo = admission->to_drop;

  if (admission->answered || !vb_undo_keeper_take (self->undos, undo->vps, undo->operation))
    {
      vb_admission_fail (self, task, error);
      return;
    }
  g_clear_error (&error);
  vb_log_warning (undo->vps, undo->operation, undo->backup,
                  "Space runs short for a restore of %s: this one cannot be undone any more",
                  admission->record->vps);
  vb_admission_work (self, task, self->pool_worker, drop_in_thread, dropped);
}
