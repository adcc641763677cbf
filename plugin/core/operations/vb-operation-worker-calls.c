/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the scripts of create and restore have in common: calls of the hypervisor that must succeed,
 * and what is told when one does not. */
#include "vb-operation-worker-private.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

gboolean
vb_operation_worker_retry_while_unavailable (VbOperationWorker *self,
                                             VbOperationWorkerCall call,
                                             gpointer data,
                                             GError **error)
{
  gint64 pause_us = G_USEC_PER_SEC / 2;
  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      if (call (self, data, &failure))
        return TRUE;
      if (!g_error_matches (failure, VB_ERROR, VB_ERROR_HYPERVISOR_UNAVAILABLE)
          || !vb_operation_worker_pause (self, pause_us))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      pause_us = MIN (pause_us * 2, 10 * G_USEC_PER_SEC);
    }
}

gboolean
vb_operation_worker_try_claim (VbOperationWorker *self, GError **error)
{
  const VbOperationRecord *record = (self->whole ? self->whole : self)->record;
  if (!self->claimed)
    self->claimed = vb_claims_take (vb_pool_get_claims (self->pool), self->vps, record->id,
                                    vb_operation_record_get_half (record), error);
  return self->claimed;
}

gboolean
vb_operation_worker_claim (VbOperationWorker *self, GError **error)
{
  gint64 pause_us = G_USEC_PER_SEC / 2;
  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      if (vb_operation_worker_try_claim (self, &failure))
        return TRUE;
      if (!g_error_matches (failure, VB_ERROR, VB_ERROR_OPERATION_RUNNING)
          || !vb_operation_worker_pause (self, pause_us))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      if (!vb_transfer_check (self->transfer, error))
        return FALSE;
      pause_us = MIN (pause_us * 2, 10 * G_USEC_PER_SEC);
    }
}

static gboolean
call_get_power (VbOperationWorker *self, gpointer data, GError **error)
{
  VbPower *power = data;
  g_autoptr (VbVpsInfo) info = vb_hypervisor_get_info (self->hypervisor, self->record->vps, error);
  if (info != NULL)
    *power = info->power;
  return info != NULL;
}

gboolean
vb_operation_worker_get_power (VbOperationWorker *self, VbPower *power, GError **error)
{
  return vb_operation_worker_retry_while_unavailable (self, call_get_power, power, error);
}

void
vb_operation_worker_log_failed (VbOperationWorker *self, const char *doing, const GError *error)
{
  vb_log_warning (self->record->vps, self->record->id, self->record->backup, "%s: %s", doing,
                  error ? error->message : "unknown error");
}
