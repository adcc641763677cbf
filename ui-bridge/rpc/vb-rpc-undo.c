/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* undo.*: what the last restore has replaced. */
#include "protocol/vb-protocol-objects.h"
#include "vb-rpc.h"

static void
on_admitted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbOperationRecord) record
      = vb_manager_undo_finish (VB_MANAGER (source), result, &error);
  JsonObject *object;

  if (record == NULL)
    {
      vb_call_refuse (call, error);
      return;
    }
  object = json_object_new ();
  vb_call_add_operation (call, object, record);
  vb_call_answer (call, object);
}

static void
run_start (VbCall *call)
{
  vb_manager_undo_async (vb_call_get_manager (call),
                         vb_identity_get_subject (vb_call_get_identity (call)),
                         vb_call_get_vps_name (call), on_admitted, call);
}

static void
on_discarded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (vb_manager_undo_discard_finish (VB_MANAGER (source), result, &error))
    vb_call_answer (user_data, json_object_new ());
  else
    vb_call_refuse (user_data, error);
}

static void
run_discard (VbCall *call)
{
  vb_manager_undo_discard_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                                 on_discarded, call);
}

const VbMethod vb_rpc_undo_methods[] = {
  { "undo.start", VB_PERMISSION_BACKUP_RESTORE, { { "vps", VB_PARAM_VPS } }, run_start },
  { "undo.discard", VB_PERMISSION_BACKUP_RESTORE, { { "vps", VB_PARAM_VPS } }, run_discard },
  { NULL },
};
