/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-rpc-private.h"

/* Of all subjects together. */
#define VERIFIES_MAX 2
#define LISTS_MAX 4

VbRpcContext *
vb_rpc_context_new (VbManager *manager, VbSessionRegistry *sessions, VbTokenKeys *token_keys)
{
  VbRpcContext *self = g_rc_box_new0 (VbRpcContext);

  self->manager = g_object_ref (manager);
  self->sessions = g_object_ref (sessions);
  self->token_keys = token_keys != NULL ? vb_token_keys_ref (token_keys) : NULL;
  self->verifies = vb_bulk_queue_new (VERIFIES_MAX, TRUE, vb_call_run);
  self->lists = vb_bulk_queue_new (LISTS_MAX, FALSE, vb_call_run);
  return self;
}

VbRpcContext *
vb_rpc_context_ref (VbRpcContext *self)
{
  return g_rc_box_acquire (self);
}

static void
rpc_context_clear (gpointer data)
{
  VbRpcContext *self = data;

  g_clear_object (&self->push);
  g_clear_object (&self->sessions);
  g_clear_object (&self->manager);
  vb_bulk_queue_unref (self->verifies);
  vb_bulk_queue_unref (self->lists);
  g_clear_pointer (&self->token_keys, vb_token_keys_unref);
}

void
vb_rpc_context_unref (VbRpcContext *self)
{
  g_rc_box_release_full (self, rpc_context_clear);
}
