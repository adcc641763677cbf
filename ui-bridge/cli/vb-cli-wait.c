/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-wait.h"

#include "vb-cli-error.h"
#include "vb-cli-progress.h"
#include "vb-cli-text.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "core/model/vb-operation-record.h"

#define PATIENCE_US (10 * G_TIME_SPAN_MINUTE)
#define PAUSE_MIN_US (250 * G_TIME_SPAN_MILLISECOND)
#define PAUSE_MAX_US (5 * G_TIME_SPAN_SECOND)
/* Progress comes every 2 s at least; after a longer silence it is better to ask. */
#define SILENCE_MS 5000
#define HISTORY 100

typedef struct
{
  VbCli *cli;
  const char *vps;
  const char *operation;
  VbCliProgress *progress;
} Wait;

/* ---- connection ---- */

gboolean
vb_cli_reconnect (VbCli *self, GError **error)
{
  const gint64 end_us = g_get_monotonic_time () + PATIENCE_US;
  gint64 pause_us = PAUSE_MIN_US;

  while (TRUE)
    {
      g_autoptr (GError) local_error = NULL;

      if (vb_cli_client_connect (self->client, &local_error))
        return TRUE;
      if (g_get_monotonic_time () > end_us)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_usleep (pause_us);
      pause_us = MIN (pause_us * 2, PAUSE_MAX_US);
    }
}

static gboolean
is_lost (const GError *error)
{
  return g_error_matches (error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE);
}

/* ---- what has become of it ---- */

static gboolean
has_ended (JsonObject *operation)
{
  const char *word = vb_cli_get_string (operation, "state");
  VbOperationState state;

  return word != NULL && vb_operation_state_from_string (word, &state)
         && vb_operation_state_is_end (state);
}

static gboolean
is_ours (Wait *wait, JsonObject *operation)
{
  return operation != NULL && g_strcmp0 (vb_cli_get_string (operation, "id"), wait->operation) == 0;
}

/* Returns: the operation if it has ended; NULL without error if it has not */
static JsonObject *
look_up_outcome (Wait *wait, GError **error)
{
  JsonObject *params = vb_cli_params ("vps", wait->vps, NULL);
  g_autoptr (JsonObject) list = NULL;
  g_autoptr (JsonArray) operations = NULL;

  json_object_set_int_member (params, "limit", HISTORY);
  list = vb_cli_call (wait->cli, "operation.list", params, error);
  if (list == NULL)
    return NULL;
  operations = vb_cli_get_array (list, "operations");
  for (guint i = 0; i < json_array_get_length (operations); i++)
    {
      JsonObject *operation = json_array_get_object_element (operations, i);

      if (is_ours (wait, operation))
        return has_ended (operation) ? json_object_ref (operation) : NULL;
    }
  g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
               _ ("The service knows nothing of the operation %s any more; “vps-backupctl log” "
                  "shows what has become of it."),
               wait->operation);
  return NULL;
}

static JsonObject *
subscribe (Wait *wait, GError **error)
{
  g_autoptr (JsonObject) vps
      = vb_cli_call (wait->cli, "vps.subscribe", vb_cli_params ("vps", wait->vps, NULL), error);
  JsonObject *operation;

  if (vps == NULL)
    return NULL;
  operation = vb_cli_get_object (vps, "operation");
  if (!is_ours (wait, operation))
    return look_up_outcome (wait, error);
  vb_cli_progress_update (wait->progress, operation);
  return NULL;
}

/* Until a restarted service has found its hypervisor, the VPS does not exist for it. */
static JsonObject *
subscribe_again (Wait *wait, GError **error)
{
  const gint64 end_us = g_get_monotonic_time () + PATIENCE_US;

  vb_cli_progress_note (wait->progress,
                        _ ("The connection to the service was lost; connecting again…"));
  while (TRUE)
    {
      g_autoptr (GError) local_error = NULL;
      JsonObject *outcome;

      if (!vb_cli_reconnect (wait->cli, error))
        return NULL;
      outcome = subscribe (wait, &local_error);
      if (local_error == NULL)
        return outcome;
      if ((!is_lost (local_error) && !g_error_matches (local_error, VB_ERROR, VB_ERROR_NOT_FOUND))
          || g_get_monotonic_time () > end_us)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      g_usleep (PAUSE_MIN_US * 2);
    }
}

/* Returns: the operation if this event shows that it has ended; NULL without error if it goes on */
static JsonObject *
handle_event (Wait *wait, JsonObject *event, GError **error)
{
  JsonObject *params = vb_cli_get_object (event, "params");
  JsonObject *operation;

  if (params == NULL || g_strcmp0 (vb_cli_get_string (params, "vps"), wait->vps) != 0)
    return NULL;
  operation = vb_cli_get_object (params, "operation");
  if (is_ours (wait, operation) && !has_ended (operation))
    {
      vb_cli_progress_update (wait->progress, operation);
      return NULL;
    }
  if (is_ours (wait, operation)
      || g_strcmp0 (vb_cli_get_string (event, "method"), "vps.changed") == 0)
    return look_up_outcome (wait, error);
  return NULL;
}

static JsonObject *
wait_once (Wait *wait, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (JsonObject) event
      = vb_cli_client_next_event (wait->cli->client, SILENCE_MS, &local_error);
  JsonObject *outcome = NULL;

  if (event != NULL)
    outcome = handle_event (wait, event, &local_error);
  else if (local_error == NULL)
    outcome = subscribe (wait, &local_error);

  if (is_lost (local_error))
    return subscribe_again (wait, error);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return outcome;
}

JsonObject *
vb_cli_wait (VbCli *self, const char *vps, const char *operation, GError **error)
{
  g_autoptr (VbCliProgress) progress = vb_cli_progress_new (self->json);
  Wait wait = { .cli = self, .vps = vps, .operation = operation, .progress = progress };
  g_autoptr (GError) local_error = NULL;
  JsonObject *outcome = subscribe (&wait, &local_error);

  if (is_lost (local_error))
    {
      g_clear_error (&local_error);
      outcome = subscribe_again (&wait, &local_error);
    }
  while (outcome == NULL && local_error == NULL)
    outcome = wait_once (&wait, &local_error);

  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return outcome;
}

gboolean
vb_cli_check_outcome (JsonObject *operation, GError **error)
{
  const char *state = vb_cli_get_string (operation, "state");
  JsonObject *cause = vb_cli_get_object (operation, "error");
  const char *kind = vb_cli_get_string (operation, "kind");
  const gboolean restore = g_strcmp0 (kind, "restore") == 0;
  const gboolean undo = g_strcmp0 (kind, "undo") == 0;

  if (g_strcmp0 (state, "completed") == 0)
    return TRUE;
  if (g_strcmp0 (state, "cancelled") == 0)
    g_set_error_literal (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
                         undo      ? _ ("The undo was cancelled (cancelled)")
                         : restore ? _ ("The restore was cancelled (cancelled)")
                                   : _ ("The backup was cancelled (cancelled)"));
  else
    g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
                 undo      ? _ ("The undo has failed: %s (%s)")
                 : restore ? _ ("The restore has failed: %s (%s)")
                           : _ ("The backup has failed: %s (%s)"),
                 cause != NULL ? vb_cli_text_said (vb_cli_get_string (cause, "message")) : "",
                 cause != NULL ? vb_cli_get_string (cause, "reason") : "internal");
  return FALSE;
}
