/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request that was let in: what its method asks of it, its answer, and its line in the audit
 * log. */
#include <string.h>

#include "protocol/vb-close-codes.h"
#include "core/base/vb-error.h"
#include "session/vb-events.h"
#include "json/vb-json-text.h"
#include "protocol/vb-protocol-objects.h"
#include "core/base/vb-log.h"
#include "vb-rpc-private.h"

#define INVALID_PARAMS "invalid_params"
/* What a client has made up is kept no longer than anything that we would have given out. */
#define TARGET_LENGTH_MAX 64

VbCall *
vb_call_new (VbRpcContext *context,
             VbSession *session,
             const VbMethod *method,
             JsonNode *id,
             JsonNode *params)
{
  VbCall *self = g_new0 (VbCall, 1);

  self->context = vb_rpc_context_ref (context);
  self->session = g_object_ref (session);
  self->asked_by = vb_identity_ref (vb_session_get_identity (session));
  self->method = method;
  self->id = id != NULL ? json_node_ref (id) : NULL;
  self->params
      = params != NULL ? json_object_ref (json_node_get_object (params)) : json_object_new ();
  vb_session_add_pending (session, 1);
  return self;
}

void
vb_call_free (VbCall *self)
{
  vb_session_add_pending (self->session, -1);
  vb_bulk_queue_done (self->context->verifies, self);
  vb_bulk_queue_done (self->context->lists, self);
  g_clear_pointer (&self->id, json_node_unref);
  g_clear_pointer (&self->params, json_object_unref);
  g_clear_pointer (&self->body, json_object_unref);
  g_clear_object (&self->vps);
  g_free (self->vps_name);
  g_free (self->other_vps);
  vb_identity_unref (self->asked_by);
  g_object_unref (self->session);
  vb_rpc_context_unref (self->context);
  g_free (self);
}

void
vb_call_run (gpointer data)
{
  g_autoptr (VbCall) self = data;

  /* Nobody waits for it any more. */
  if (!vb_session_is_open (self->session))
    return;

  self->method->run (g_steal_pointer (&self));
}

/* Answers */

void
vb_rpc_respond (VbSession *session, JsonNode *id, const char *name, JsonObject *body)
{
  JsonObject *response = json_object_new ();
  char *text;

  json_object_set_string_member (response, "jsonrpc", "2.0");
  json_object_set_member (response, "id",
                          id != NULL ? json_node_copy (id) : json_node_new (JSON_NODE_NULL));
  json_object_set_object_member (response, name, body);
  text = vb_event_from_object (response);
  vb_session_send (session, VB_SEND_ALWAYS, NULL, text);
  g_ref_string_release (text);
}

static void
finish (VbCall *self)
{
  g_autoptr (VbCall) call = self;

  if (call->id != NULL)
    vb_rpc_respond (call->session, call->id, call->body_name, g_steal_pointer (&call->body));
  /* Whoever has taken back their own token reads that it was done, and goes. */
  vb_session_registry_close_if_revoked (call->context->sessions, call->session);
}

/* The audit log */

static void
on_audited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;

  /* What was done was done; that it cannot be written down is for the operator to know. */
  if (!vb_manager_audit_finish (VB_MANAGER (source), result, &error))
    vb_log_warning (call->vps_name, NULL, NULL, "Failed to write the audit log: %s",
                    error->message);
  finish (call);
}

static char *
shorten (const char *text)
{
  glong length = text != NULL ? g_utf8_strlen (text, -1) : 0;

  return text != NULL ? g_utf8_substring (text, 0, MIN (length, TARGET_LENGTH_MAX)) : NULL;
}

/* What the request was about: an operation that it has begun, else what it has named. */
static char *
find_target (VbCall *self)
{
  const char *const names[] = { "backup", "operation", "jti", "sub" };
  JsonNode *operation
      = self->body != NULL ? json_object_get_member (self->body, "operation") : NULL;
  const char *text = NULL;

  if (operation != NULL && JSON_NODE_HOLDS_OBJECT (operation))
    text = vb_json_get_text (json_node_get_object (operation), "id");
  for (gsize i = 0; text == NULL && i < G_N_ELEMENTS (names); i++)
    text = vb_json_get_text (self->params, names[i]);

  return shorten (text);
}

static void
audit (VbCall *self, const char *outcome)
{
  g_autoptr (VbAuditEntry) entry = vb_audit_entry_new ();
  const char *vps
      = self->vps_name != NULL ? self->vps_name : vb_json_get_text (self->params, "vps");

  entry->subject = g_strdup (vb_identity_get_subject (self->asked_by));
  entry->address = g_strdup (vb_peer_get_name (vb_session_get_peer (self->session)));
  entry->token_id = g_strdup (vb_identity_get_token_id (self->asked_by));
  entry->method = g_strdup (self->method->name);
  entry->vps = shorten (vps);
  entry->target = find_target (self);
  entry->outcome = g_strdup (outcome);
  vb_manager_audit_async (self->context->manager, entry, on_audited, self);
}

/* What has just been admitted may be under way already; then the live object knows rate and time
 * left. */
void
vb_call_add_operation (VbCall *self, JsonObject *object, const VbOperationRecord *record)
{
  gboolean for_admin = vb_identity_is_admin (vb_call_get_identity (self));
  VbOperation *live = vb_vps_get_operation (vb_call_get_vps (self));

  json_object_set_object_member (object, "operation",
                                 live != NULL
                                         && g_strcmp0 (vb_operation_get_id (live), record->id) == 0
                                     ? vb_json_operation (live, for_admin)
                                     : vb_json_operation_record (record, for_admin));
}

/* A request with “check” has done nothing. */
void
vb_call_answer (VbCall *self, JsonObject *result)
{
  self->body_name = "result";
  self->body = result;
  if (self->method->audit == VB_AUDIT_ALWAYS && !vb_call_get_boolean (self, "check"))
    audit (self, VB_AUDIT_OK);
  else
    finish (self);
}

static void
log_refusal (VbCall *self, const GError *error)
{
  VbError code = vb_error_code_of (error);

  /* What a client is told is not enough to find an error of ours. */
  if (code == VB_ERROR_INTERNAL)
    vb_log_warning (self->vps_name, NULL, NULL, "%s of %s failed: %s", self->method->name,
                    vb_peer_get_name (vb_session_get_peer (self->session)), error->message);
  else
    vb_log_debug (self->vps_name, NULL, NULL, "%s of %s refused (%s): %s", self->method->name,
                  vb_peer_get_name (vb_session_get_peer (self->session)), vb_error_reason (code),
                  error->message);
}

/* Asking for what is not theirs is worth a line, whatever was asked. Flooding is not: it would make
 * the log a second victim. */
static gboolean
is_worth_a_line (VbCall *self, VbError code)
{
  if (code == VB_ERROR_RATE_LIMITED)
    return FALSE;

  return self->method->audit == VB_AUDIT_ALWAYS || code == VB_ERROR_FORBIDDEN
         || code == VB_ERROR_NOT_FOUND;
}

void
vb_call_refuse (VbCall *self, const GError *error)
{
  VbError code = vb_error_code_of (error);

  log_refusal (self, error);
  self->body_name = "error";
  self->body = vb_json_error (error, vb_identity_is_admin (vb_call_get_identity (self)));
  if (is_worth_a_line (self, code))
    audit (self, code == VB_ERROR_INVALID_ARGUMENT ? INVALID_PARAMS : vb_error_reason (code));
  else
    finish (self);
}

/* For the methods */

VbRpcContext *
vb_call_get_context (VbCall *self)
{
  return self->context;
}

VbManager *
vb_call_get_manager (VbCall *self)
{
  return self->context->manager;
}

VbSession *
vb_call_get_session (VbCall *self)
{
  return self->session;
}

VbIdentity *
vb_call_get_identity (VbCall *self)
{
  return vb_session_get_identity (self->session);
}

VbVps *
vb_call_get_vps (VbCall *self)
{
  return self->vps;
}

const char *
vb_call_get_vps_name (VbCall *self)
{
  return self->vps_name;
}

const char *
vb_call_get_other_vps (VbCall *self)
{
  return self->other_vps;
}

const char *
vb_call_get_string (VbCall *self, const char *name)
{
  return json_object_get_string_member_with_default (self->params, name, NULL);
}

gint64
vb_call_get_integer (VbCall *self, const char *name, gint64 fallback)
{
  return json_object_get_int_member_with_default (self->params, name, fallback);
}

JsonObject *
vb_call_get_object (VbCall *self, const char *name)
{
  JsonNode *node = json_object_get_member (self->params, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

gboolean
vb_call_get_boolean (VbCall *self, const char *name)
{
  return json_object_get_boolean_member_with_default (self->params, name, FALSE);
}

gint64
vb_call_get_number (VbCall *self)
{
  return self->number;
}

void
vb_call_set_number (VbCall *self, gint64 number)
{
  self->number = number;
}
