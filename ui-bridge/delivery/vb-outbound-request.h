/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * VbDestinationPolicy:
 * @VB_REACH_ANYWHERE: the address was chosen by the operator
 * @VB_REACH_PUBLIC: the address was chosen by a stranger: https to public addresses only
 * @VB_REACH_PUBLIC_AND_LOOPBACK: for tests only: as %VB_REACH_PUBLIC, and this machine with plain
 * http or any certificate
 *
 * Where a request may go.
 */
typedef enum
{
  VB_REACH_ANYWHERE,
  VB_REACH_PUBLIC,
  VB_REACH_PUBLIC_AND_LOOPBACK,
} VbDestinationPolicy;

/**
 * vb_reach_check_uri_async:
 *
 * Whether a request to @uri may be made: its form, and all addresses that its host has at the
 * moment. A host that cannot be resolved at the moment passes: each request checks again. Main
 * context only, as all functions here.
 */
void vb_reach_check_uri_async (VbDestinationPolicy reach,
                               GUri *uri,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/** vb_reach_check_uri_finish: @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT */
gboolean vb_reach_check_uri_finish (GAsyncResult *result, GError **error);

/**
 * vb_outbound_request_async:
 * @message: what to send
 * @reach: where it may go; for strangers' addresses the host is resolved once, and the connection
 * is made to nothing but the addresses that were checked
 *
 * Sends one request, follows no redirect, reads no body of the answer, and takes at most 15 s for
 * it.
 */
void vb_outbound_request_async (SoupMessage *message,
                                VbDestinationPolicy reach,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

/**
 * vb_outbound_request_finish:
 * @retry_after_s: (out): what the answer asks for, 0 for nothing
 * @error: (out) (optional): why there was no answer
 *
 * Returns: status of the answer, 0 when there was none
 */
guint vb_outbound_request_finish (GAsyncResult *result, gint64 *retry_after_s, GError **error);

G_END_DECLS
