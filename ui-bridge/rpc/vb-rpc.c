/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-rpc-private.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "json/vb-json-text.h"
#include "protocol/vb-protocol-objects.h"
#include "protocol/vb-rpc-codes.h"

/* Requests of one connection that may be under way at a time. */
#define PENDING_MAX 32
#define NAME_SHOWN_MAX 64

static const VbMethod *const tables[] = {
  vb_rpc_audit_methods,  vb_rpc_session_methods,  vb_rpc_vps_methods,
  vb_rpc_backup_methods, vb_rpc_schedule_methods, vb_rpc_notification_methods,
  vb_rpc_push_methods,   vb_rpc_download_methods, vb_rpc_undo_methods,
};

/* Params */

static gboolean
invalid_param (GError **error, const char *what, const char *name)
{
  g_autofree char *shown
      = g_utf8_substring (name, 0, MIN (NAME_SHOWN_MAX, g_utf8_strlen (name, -1)));

  g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, "%s “%s”.", what, shown);
  return FALSE;
}

static gboolean
check_range (const VbParam *param, gint64 value, GError **error)
{
  if (value >= param->minimum && value <= param->maximum)
    return TRUE;

  g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
               param->type == VB_PARAM_INTEGER ? "Give a number from %" G_GINT64_FORMAT
                                                 " to %" G_GINT64_FORMAT " for the parameter “%s”."
                                               : "Give %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                                                 " characters for the parameter “%s”.",
               param->minimum, param->maximum, param->name);
  return FALSE;
}

static gboolean
check_param (const VbParam *param, JsonNode *value, GError **error)
{
  GType type = json_node_get_value_type (value);

  switch (param->type)
    {
    case VB_PARAM_INTEGER:
      if (type != G_TYPE_INT64)
        return invalid_param (error, "Give an integer for the parameter", param->name);
      return check_range (param, json_node_get_int (value), error);
    case VB_PARAM_BOOLEAN:
      return type == G_TYPE_BOOLEAN
             || invalid_param (error, "Give true or false for the parameter", param->name);
    case VB_PARAM_OBJECT:
      return JSON_NODE_HOLDS_OBJECT (value)
             || invalid_param (error, "Give an object for the parameter", param->name);
    case VB_PARAM_OBJECT_OR_NULL:
      return JSON_NODE_HOLDS_OBJECT (value) || JSON_NODE_HOLDS_NULL (value)
             || invalid_param (error, "Give an object or null for the parameter", param->name);
    default:
      if (type != G_TYPE_STRING)
        return invalid_param (error, "Give a string for the parameter", param->name);
      return param->type != VB_PARAM_STRING
             || check_range (param, g_utf8_strlen (json_node_get_string (value), -1), error);
    }
}

static const VbParam *
find_param (const VbMethod *method, const char *name)
{
  for (const VbParam *param = method->params; param->name != NULL; param++)
    if (strcmp (param->name, name) == 0)
      return param;

  return NULL;
}

static gboolean
check_params (VbCall *self, GError **error)
{
  g_autoptr (GList) names = json_object_get_members (self->params);

  for (GList *link = names; link != NULL; link = link->next)
    if (find_param (self->method, link->data) == NULL)
      return invalid_param (error, "Leave out the unknown parameter", link->data);

  for (const VbParam *param = self->method->params; param->name != NULL; param++)
    {
      JsonNode *value = json_object_get_member (self->params, param->name);

      if (value == NULL && !param->optional)
        return invalid_param (error, "Give the missing parameter", param->name);
      if (value != NULL && !check_param (param, value, error))
        return FALSE;
    }

  return TRUE;
}

/* Permission and scope */

static gboolean
check_permission (VbCall *self, GError **error)
{
  const VbIdentity *identity = vb_call_get_identity (self);

  if ((self->method->any_of == VB_PERMISSION_NONE
       || vb_identity_may (identity, self->method->any_of))
      && (self->method->also == VB_PERMISSION_NONE
          || vb_identity_may (identity, self->method->also)))
    return TRUE;

  g_set_error_literal (error, VB_ERROR, VB_ERROR_FORBIDDEN,
                       vb_error_public_message (VB_ERROR_FORBIDDEN));
  return FALSE;
}

static gboolean
resolve_vps (VbCall *self, const VbParam *param, GError **error)
{
  const char *given = vb_call_get_string (self, param->name);
  gboolean may_be_all
      = param->type == VB_PARAM_VPS_OR_ALL || param->type == VB_PARAM_VPS_NAME_OR_ALL;
  char **name = param->type == VB_PARAM_OTHER_VPS ? &self->other_vps : &self->vps_name;
  VbVps *vps = NULL;
  gboolean is_seen, is_known;

  if (given == NULL || (may_be_all && strcmp (given, "*") == 0))
    return TRUE;

  *name = g_ascii_strdown (given, -1);
  is_seen = vb_identity_sees (vb_call_get_identity (self), *name);
  if (is_seen)
    vps = vb_manager_get_vps (self->context->manager, *name);
  if (vps != NULL && param->type != VB_PARAM_OTHER_VPS)
    self->vps = g_object_ref (vps);

  /* One answer for what is not there and for what is not theirs. */
  is_known = vps != NULL || (is_seen && param->type == VB_PARAM_VPS_NAME_OR_ALL);
  /* What is theirs and not there may be there once the hypervisor answers. */
  if (!is_known && is_seen && !vb_manager_is_hypervisor_available (self->context->manager))
    g_set_error_literal (error, VB_ERROR, VB_ERROR_HYPERVISOR_UNAVAILABLE,
                         vb_error_public_message (VB_ERROR_HYPERVISOR_UNAVAILABLE));
  else if (!is_known)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND,
                         "There is no such VPS; list the VPSs to see which there are.");
  return is_known;
}

static gboolean
check_scope (VbCall *self, GError **error)
{
  for (const VbParam *param = self->method->params; param->name != NULL; param++)
    if (param->type >= VB_PARAM_VPS && !resolve_vps (self, param, error))
      return FALSE;

  return TRUE;
}

static gboolean
check_rate (VbCall *self, GError **error)
{
  if (vb_session_get_pending (self->session) <= PENDING_MAX
      && !vb_session_is_over_rate (self->session))
    return TRUE;

  g_set_error_literal (error, VB_ERROR, VB_ERROR_RATE_LIMITED,
                       vb_error_public_message (VB_ERROR_RATE_LIMITED));
  return FALSE;
}

/* Requests */

static const VbMethod *
find_method (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const VbMethod *method = tables[i]; method->name != NULL; method++)
      if (strcmp (method->name, name) == 0)
        return method;

  return NULL;
}

static void
respond_error (VbSession *session, JsonNode *id, int code, const char *message)
{
  vb_rpc_respond (session, id, "error", vb_json_error_new (code, message));
}

static gboolean
id_is_valid (JsonNode *id)
{
  GType type = json_node_get_value_type (id);

  return JSON_NODE_HOLDS_NULL (id) || type == G_TYPE_STRING || type == G_TYPE_INT64
         || type == G_TYPE_DOUBLE;
}

/* Runs it, now or later; takes it unless it fails. */
static gboolean
wait_for_turn (VbCall *call, GError **error)
{
  VbBulkQueue *queue = call->method->bulk == VB_BULK_VERIFY ? call->context->verifies
                       : call->method->bulk == VB_BULK_LIST ? call->context->lists
                                                            : NULL;

  if (queue == NULL)
    vb_call_run (call);
  else if (!vb_bulk_queue_push (queue, vb_identity_get_subject (call->asked_by), call->vps_name,
                                call))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_TOO_BUSY,
                           vb_error_public_message (VB_ERROR_TOO_BUSY));
      return FALSE;
    }

  return TRUE;
}

static void
run_method (VbRpcContext *context,
            VbSession *session,
            const VbMethod *method,
            JsonNode *id,
            JsonNode *params)
{
  g_autoptr (VbCall) call = vb_call_new (context, session, method, id, params);
  g_autoptr (GError) error = NULL;

  if (!check_rate (call, &error) || !check_permission (call, &error) || !check_params (call, &error)
      || !check_scope (call, &error))
    vb_call_refuse (g_steal_pointer (&call), error);
  else if (wait_for_turn (call, &error))
    call = NULL;
  else
    vb_call_refuse (g_steal_pointer (&call), error);
}

static void
handle_request (VbRpcContext *context, VbSession *session, JsonObject *request)
{
  JsonNode *id = json_object_get_member (request, "id");
  JsonNode *params = json_object_get_member (request, "params");
  const char *name = vb_json_get_text (request, "method");
  const VbMethod *method = name != NULL ? find_method (name) : NULL;

  if (id != NULL && !id_is_valid (id))
    respond_error (session, NULL, VB_RPC_INVALID_REQUEST, "The id has to be a string or a number.");
  else if (g_strcmp0 (vb_json_get_text (request, "jsonrpc"), "2.0") != 0 || name == NULL)
    respond_error (session, id, VB_RPC_INVALID_REQUEST, "This is not a JSON-RPC 2.0 request.");
  else if (method == NULL && id != NULL)
    respond_error (session, id, VB_RPC_METHOD_NOT_FOUND, "There is no such method.");
  else if (params != NULL && !JSON_NODE_HOLDS_OBJECT (params) && id != NULL)
    respond_error (session, id, VB_RPC_INVALID_PARAMS, "Give the params by name, in an object.");
  else if (method != NULL && (params == NULL || JSON_NODE_HOLDS_OBJECT (params)))
    run_method (context, session, method, id, params);
}

void
vb_rpc_handle (VbRpcContext *context, VbSession *session, const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = vb_json_text_parse (text, length, &error);

  if (g_error_matches (error, VB_JSON_TEXT_ERROR, VB_JSON_TEXT_ERROR_TOO_DEEP))
    respond_error (session, NULL, VB_RPC_INVALID_REQUEST,
                   "This is nested more than 32 levels deep.");
  else if (root == NULL)
    respond_error (session, NULL, VB_RPC_PARSE_ERROR, "This is not JSON.");
  else if (JSON_NODE_HOLDS_ARRAY (root))
    respond_error (session, NULL, VB_RPC_INVALID_REQUEST, "Send one request a frame, not a batch.");
  else if (!JSON_NODE_HOLDS_OBJECT (root))
    respond_error (session, NULL, VB_RPC_INVALID_REQUEST, "This is not a JSON-RPC 2.0 request.");
  else
    handle_request (context, session, json_node_get_object (root));
}
