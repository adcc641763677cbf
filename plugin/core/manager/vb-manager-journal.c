/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal tells: operations that were, and notifications. */
#include "vb-manager-private.h"

typedef struct
{
  char **vps;
  char *subject;
  gint64 after;
  guint limit;
} Query;

static void
query_free (Query *query)
{
  g_strfreev (query->vps);
  g_free (query->subject);
  g_free (query);
}

static void
ask (VbManager *self,
     gpointer tag,
     const char *const *vps,
     const char *subject,
     gint64 after,
     guint limit,
     GTaskThreadFunc func,
     GDestroyNotify free_result,
     GAsyncReadyCallback callback,
     gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Query *query = g_new0 (Query, 1);
  query->vps = g_strdupv ((char **) vps);
  query->subject = g_strdup (subject);
  query->after = after;
  query->limit = limit;
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, query, (GDestroyNotify) query_free);
  vb_manager_call_journal (self, task, func, free_result, FALSE);
}

static void
return_array (GTask *task, GPtrArray *array, GError *error)
{
  if (array != NULL)
    g_task_return_pointer (task, array, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void
list_operations_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const Query *query = data;
  GError *error = NULL;
  GPtrArray *records
      = vb_journal_list_operations (self->journal, query->vps[0], query->limit, &error);
  return_array (task, records, error);
}

void
vb_manager_list_operations_async (VbManager *self,
                                  const char *vps,
                                  guint limit,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  const char *const only[] = { vps, NULL };
  ask (self, vb_manager_list_operations_async, only, NULL, 0, limit, list_operations_in_thread,
       (GDestroyNotify) g_ptr_array_unref, callback, user_data);
}

GPtrArray *
vb_manager_list_operations_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  GPtrArray *records = g_task_propagate_pointer (G_TASK (result), error);
  const Query *query = g_task_get_task_data (G_TASK (result));
  VbVps *vps = g_hash_table_lookup (self->vps, query->vps[0]);
  VbOperation *operation = vps ? vb_vps_get_operation (vps) : NULL;

  /* The journal keeps states, not each percent: the running operation is answered as it is now. */
  for (guint i = 0; records != NULL && operation != NULL && i < records->len; i++)
    {
      VbOperationRecord *record = g_ptr_array_index (records, i);
      if (g_strcmp0 (record->id, vb_operation_get_id (operation)) != 0)
        continue;
      vb_operation_record_free (record);
      records->pdata[i] = vb_operation_record_copy (vb_operation_get_record (operation));
    }
  return records;
}

static void
list_notifications_in_thread (GTask *task,
                              gpointer source,
                              gpointer data,
                              GCancellable *cancellable)
{
  VbManager *self = source;
  const Query *query = data;
  GError *error = NULL;
  GPtrArray *notifications
      = vb_journal_list_notifications (self->journal, (const char *const *) query->vps,
                                       query->subject, query->after, query->limit, &error);
  return_array (task, notifications, error);
}

void
vb_manager_list_notifications_async (VbManager *self,
                                     const char *const *vps,
                                     const char *subject,
                                     gint64 after,
                                     guint limit,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  ask (self, vb_manager_list_notifications_async, vps, subject, after, limit,
       list_notifications_in_thread, (GDestroyNotify) g_ptr_array_unref, callback, user_data);
}

GPtrArray *
vb_manager_list_notifications_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
mark_read_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const Query *query = data;
  GError *error = NULL;
  if (vb_journal_mark_read (self->journal, query->subject, query->after, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
vb_manager_mark_read_async (VbManager *self,
                            const char *subject,
                            gint64 up_to,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  ask (self, vb_manager_mark_read_async, NULL, subject, up_to, 0, mark_read_in_thread, NULL,
       callback, user_data);
}

gboolean
vb_manager_mark_read_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
