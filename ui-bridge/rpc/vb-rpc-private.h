/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by vb-rpc.c, which lets requests in, and vb-rpc-call.c, which sees them out. */

#include "vb-rpc.h"

G_BEGIN_DECLS

struct _VbCall
{
  VbRpcContext *context;
  VbSession *session;
  VbIdentity *asked_by; /* who it was when the request came, whoever it is when it is answered */
  JsonNode *id;         /* NULL: the client wants no answer */
  const VbMethod *method;
  JsonObject *params;
  char *vps_name;
  char *other_vps;
  VbVps *vps;
  gint64 number;

  /* Once it is settled: */
  const char *body_name;
  JsonObject *body;
};

/** vb_call_new: @id: (nullable); @params: (nullable) */
VbCall *vb_call_new (VbRpcContext *context,
                     VbSession *session,
                     const VbMethod *method,
                     JsonNode *id,
                     JsonNode *params);
void vb_call_free (VbCall *self);
/** vb_call_run: @data: (transfer full): a #VbCall whose turn it is */
void vb_call_run (gpointer data);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbCall, vb_call_free)

/** vb_rpc_respond: @id: (nullable); @name: "result" or "error"; @body: (transfer full) */
void vb_rpc_respond (VbSession *session, JsonNode *id, const char *name, JsonObject *body);

G_END_DECLS
