/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "auth/vb-identity.h"
#include "auth/vb-token-keys.h"
#include "net/vb-peer.h"

G_BEGIN_DECLS

/** VB_SUBPROTOCOL: the websocket subprotocol, with its version */
#define VB_SUBPROTOCOL "vps-backup.v1"

/**
 * vb_http_auth_identify:
 * @headers: of the request
 * @peer: who sent it
 * @token_keys: (nullable): none: nobody has a token
 * @status: (out): HTTP status when nobody was recognised: 401 without or with a bad token, 403 for
 * a unix peer that is no administrator
 *
 * Over TCP the token decides. Over the unix socket the kernel's credentials do; a token that comes
 * along narrows what its sender may do, so that a proxy on the socket need not be an administrator
 * for everybody behind it.
 *
 * Returns: (transfer full) (nullable): who sends the request
 */
VbIdentity *vb_http_auth_identify (SoupMessageHeaders *headers,
                                   VbPeer *peer,
                                   VbTokenKeys *token_keys,
                                   guint *status);

/** vb_http_auth_has_token: Returns: whether the request brings anything that is meant to be a
 * token */
gboolean vb_http_auth_has_token (SoupMessageHeaders *headers);

/**
 * vb_http_auth_take_origin:
 * @proxies: (nullable) (array zero-terminated=1): whom to believe
 *
 * Who is behind a proxy: when @peer is one of @proxies, the last entry of `X-Forwarded-For`, which
 * is the one that the proxy itself has added, becomes the address of @peer.
 */
void
vb_http_auth_take_origin (SoupMessageHeaders *headers, VbPeer *peer, const char *const *proxies);

/** vb_http_auth_check_framing: Returns: whether the request has no body and no header twice that is
 * there once */
gboolean vb_http_auth_check_framing (SoupMessageHeaders *headers);

/** vb_http_auth_check_length: Returns: whether `Content-Length` is a number that libsoup reads as
 * it stands, or not there */
gboolean vb_http_auth_check_length (SoupMessageHeaders *headers);

/** vb_http_auth_check_host: Returns: whether there is one `Host` and it looks like one */
gboolean vb_http_auth_check_host (SoupMessageHeaders *headers);

/**
 * vb_http_auth_check_origin:
 * @allowed: (nullable) (array zero-terminated=1): origins besides our own
 *
 * Returns: whether the request comes from no web page, from one of ours, or from an allowed one
 */
gboolean vb_http_auth_check_origin (SoupMessageHeaders *headers, const char *const *allowed);

/**
 * vb_http_auth_choose_protocol:
 * @protocol: (out) (nullable): what to answer, %NULL for nothing
 *
 * Returns: %FALSE when the client offers subprotocols, but not ours
 */
gboolean vb_http_auth_choose_protocol (SoupMessageHeaders *headers, const char **protocol);

G_END_DECLS
