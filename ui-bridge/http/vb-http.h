/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-bridge-settings.h"
#include "net/vb-acceptor.h"
#include "session/vb-session-registry.h"
#include "auth/vb-token-keys.h"
#include "vb-metrics.h"

G_BEGIN_DECLS

/**
 * VbHttp:
 *
 * Finds out who comes, answers plain requests and makes websockets of those who may. libsoup parses
 * HTTP; what it leaves open (who may come in, what is read of a request) is decided here before it
 * gets that far. One request a connection. Main context only.
 */
#define VB_TYPE_HTTP (vb_http_get_type ())
G_DECLARE_FINAL_TYPE (VbHttp, vb_http, VB, HTTP, GObject)

/** vb_http_new: @keys: (nullable); @settings: copied */
VbHttp *vb_http_new (VbManager *manager,
                     VbSessionRegistry *sessions,
                     VbTokenKeys *keys,
                     VbMetrics *metrics,
                     const VbBridgeSettings *settings);

/** vb_http_get_acceptor: Returns: (transfer none): where listening sockets are put in */
VbAcceptor *vb_http_get_acceptor (VbHttp *self);

/** vb_http_stop: closes all listeners and all connections that are not websockets */
void vb_http_stop (VbHttp *self);

G_END_DECLS
