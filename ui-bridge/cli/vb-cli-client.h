/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * VbCliClient:
 *
 * A client of the bridge on its unix socket for a program that does one thing after the other: its
 * calls iterate the default main context until they have what they want. Errors:
 * %VB_CLI_ERROR_UNREACHABLE when there is no service or it went away; of #VB_ERROR what it refused,
 * by reason.
 */
#define VB_TYPE_CLI_CLIENT (vb_cli_client_get_type ())
G_DECLARE_FINAL_TYPE (VbCliClient, vb_cli_client, VB, CLI_CLIENT, GObject)

/** vb_cli_client_new: @socket: path; nothing is connected yet */
VbCliClient *vb_cli_client_new (const char *socket);

/** vb_cli_client_connect: connects, or connects again; events of an earlier connection are
 * forgotten */
gboolean vb_cli_client_connect (VbCliClient *self, GError **error);

/**
 * vb_cli_client_call:
 * @method: method of the protocol
 * @params: (nullable) (transfer full): its params
 *
 * Connects first if there is no connection.
 *
 * Returns: (transfer full) (nullable): the result
 */
JsonNode *
vb_cli_client_call (VbCliClient *self, const char *method, JsonObject *params, GError **error);

/**
 * vb_cli_client_next_event:
 * @timeout_ms: longest wait
 *
 * Returns: (transfer full) (nullable): the next event, an object with "method" and "params"; %NULL
 * without error when none came
 */
JsonObject *vb_cli_client_next_event (VbCliClient *self, guint timeout_ms, GError **error);

/** VbCliTextFunc: @text: one message of the service, not ended by a NUL */
typedef void (*VbCliTextFunc) (const char *text, gsize length, gpointer user_data);
/** VbCliLostFunc: the connection has ended */
typedef void (*VbCliLostFunc) (gpointer user_data);

/** vb_cli_client_set_raw: @raw: (nullable): gets every message as it is, in place of calls and
 * events; @lost: (nullable) */
void vb_cli_client_set_raw (VbCliClient *self,
                            VbCliTextFunc raw,
                            VbCliLostFunc lost,
                            gpointer user_data);
/** vb_cli_client_send_text: sends @text as it is; nothing happens without a connection */
void vb_cli_client_send_text (VbCliClient *self, const char *text);
/** vb_cli_client_set_lost_error: sets what is known of the end of the connection; Returns:
 * %FALSE */
gboolean vb_cli_client_set_lost_error (VbCliClient *self, GError **error);

/** vb_cli_client_get_session: Returns: (transfer none): for plain requests to the same socket */
SoupSession *vb_cli_client_get_session (VbCliClient *self);

/** vb_cli_client_get_refusal: Returns: (transfer none) (nullable): the error object of the last
 * call that was refused */
JsonObject *vb_cli_client_get_refusal (VbCliClient *self);

G_END_DECLS
