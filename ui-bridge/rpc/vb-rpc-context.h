/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "auth/vb-token-keys.h"
#include "core/manager/vb-manager.h"
#include "delivery/vb-push.h"
#include "session/vb-session-registry.h"
#include "vb-bulk-queue.h"

G_BEGIN_DECLS

/**
 * VbRpcContext:
 * @manager: what methods ask
 * @sessions: who is connected
 * @push: (nullable): where browsers subscribe
 * @token_keys: (nullable): for renewals
 * @verifies: reading of whole backups
 * @lists: reading of the journal
 *
 * What the methods of the protocol work on. Reference-counted; main context only.
 */
typedef struct
{
  VbManager *manager;
  VbSessionRegistry *sessions;
  VbPush *push;
  VbTokenKeys *token_keys;
  VbBulkQueue *verifies;
  VbBulkQueue *lists;
} VbRpcContext;

/** vb_rpc_context_new: @token_keys: (nullable) */
VbRpcContext *
vb_rpc_context_new (VbManager *manager, VbSessionRegistry *sessions, VbTokenKeys *token_keys);
VbRpcContext *vb_rpc_context_ref (VbRpcContext *self);
void vb_rpc_context_unref (VbRpcContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbRpcContext, vb_rpc_context_unref)

G_END_DECLS
