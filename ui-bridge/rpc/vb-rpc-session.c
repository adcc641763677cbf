/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* session.*: who the client is. */
#include "core/base/vb-error.h"
#include "protocol/vb-protocol-objects.h"
#include "core/base/vb-log.h"
#include "vb-rpc.h"
#include "auth/vb-token.h"

/* As long as a token's may be. */
#define NAME_LENGTH_MAX 256

static JsonArray *
make_array (const char *const *words)
{
  JsonArray *array = json_array_new ();

  for (; *words != NULL; words++)
    json_array_add_string_element (array, *words);

  return array;
}

static void
add_scope (JsonObject *object, VbIdentity *identity)
{
  g_autofree const char **vps = vb_identity_list_vps (identity);

  if (vps == NULL)
    json_object_set_string_member (object, "vps", "*");
  else
    json_object_set_array_member (object, "vps", make_array ((const char *const *) vps));
}

/* What a client cannot tell otherwise. */
static JsonArray *
make_features (VbManager *manager)
{
  JsonArray *array = json_array_new ();

  json_array_add_string_element (array, "activity");
  json_array_add_string_element (array, "backup_first");
  json_array_add_string_element (array, "from");
  json_array_add_string_element (array, "schedules");
  if (vb_manager_keeps_replaced (manager))
    json_array_add_string_element (array, "undo");
  return array;
}

static JsonObject *
make_info (VbManager *manager, VbIdentity *identity)
{
  g_auto (GStrv) words = vb_permissions_to_strv (vb_identity_get_permissions (identity));
  gint64 expires_at_s = vb_identity_get_expires_at_s (identity);
  g_autoptr (GDateTime) expires_at
      = expires_at_s != 0 ? g_date_time_new_from_unix_utc (expires_at_s) : NULL;
  JsonObject *server = json_object_new ();
  JsonObject *object = json_object_new ();

  json_object_set_string_member (server, "name", "vps-backup");
  json_object_set_string_member (server, "version", VB_VERSION);
  json_object_set_object_member (object, "server", server);
  json_object_set_string_member (object, "subject", vb_identity_get_subject (identity));
  json_object_set_array_member (object, "permissions", make_array ((const char *const *) words));
  add_scope (object, identity);
  vb_json_add_time (object, "expires_at", expires_at);
  json_object_set_int_member (object, "stall_timeout_s", vb_manager_get_stall_timeout_s (manager));
  json_object_set_array_member (object, "features", make_features (manager));
  return object;
}

static void
run_info (VbCall *call)
{
  vb_call_answer (call, make_info (vb_call_get_manager (call), vb_call_get_identity (call)));
}

static void
run_renew (VbCall *call)
{
  VbTokenKeys *keys = vb_call_get_context (call)->token_keys;
  g_autoptr (GError) problem = NULL;
  g_autoptr (VbIdentity) identity = NULL;

  if (keys != NULL)
    identity = vb_token_keys_verify (keys, vb_call_get_string (call, "token"),
                                     g_get_real_time () / G_USEC_PER_SEC, &problem);

  if (identity != NULL
      && vb_session_registry_is_revoked (vb_call_get_context (call)->sessions, identity))
    {
      g_clear_pointer (&identity, vb_identity_unref);
      g_set_error_literal (&problem, VB_ERROR, VB_ERROR_FORBIDDEN, "it was revoked");
    }

  if (identity == NULL)
    {
      g_autoptr (GError) error = g_error_new_literal (VB_ERROR, VB_ERROR_FORBIDDEN,
                                                      vb_error_public_message (VB_ERROR_FORBIDDEN));

      vb_log_info (NULL, NULL, NULL, "Refused to renew the session of %s: %s",
                   vb_peer_get_name (vb_session_get_peer (vb_call_get_session (call))),
                   problem != NULL ? problem->message : "there are no token keys");
      vb_call_refuse (call, error);
      return;
    }

  if (vb_call_get_context (call)->push != NULL)
    vb_push_narrow (vb_call_get_context (call)->push, vb_call_get_identity (call), identity);
  vb_session_set_identity (vb_call_get_session (call), identity);
  vb_call_answer (call, make_info (vb_call_get_manager (call), identity));
}

static void
on_revoked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;
  JsonObject *object;

  if (!vb_manager_revoke_finish (VB_MANAGER (source), result, &error))
    {
      vb_call_refuse (call, error);
      return;
    }

  object = json_object_new ();
  json_object_set_int_member (object, "closed", vb_call_get_number (call));
  vb_call_answer (call, object);
}

static void
run_revoke (VbCall *call)
{
  const char *subject = vb_call_get_string (call, "sub");
  const char *token_id = vb_call_get_string (call, "jti");
  VbSessionRegistry *sessions = vb_call_get_context (call)->sessions;

  if ((subject == NULL) == (token_id == NULL))
    {
      g_autoptr (GError) error
          = g_error_new_literal (VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                                 "Give either “sub” or “jti”, to say whose tokens or which one.");

      vb_call_refuse (call, error);
      return;
    }

  /* In force from here on, whatever becomes of the journal. */
  vb_manager_revoke_async (
      vb_call_get_manager (call), subject, token_id,
      subject != NULL ? vb_session_registry_revoke_ahead (sessions, subject) : 0, on_revoked, call);
  vb_call_set_number (call,
                      vb_session_registry_close_revoked (sessions, vb_call_get_session (call)));
}

const VbMethod vb_rpc_session_methods[] = {
  { "session.info", VB_PERMISSION_NONE, { { NULL } }, run_info, VB_AUDIT_REFUSED },
  { "session.renew",
    VB_PERMISSION_NONE,
    { { "token", VB_PARAM_STRING, FALSE, 1, VB_MESSAGE_BYTES_MAX } },
    run_renew,
    VB_AUDIT_REFUSED },
  { "session.revoke",
    VB_PERMISSION_ADMIN,
    { { "sub", VB_PARAM_STRING, TRUE, 1, NAME_LENGTH_MAX },
      { "jti", VB_PARAM_STRING, TRUE, 1, NAME_LENGTH_MAX } },
    run_revoke },
  { NULL },
};
