/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "vb-rpc-context.h"

G_BEGIN_DECLS

/**
 * vb_rpc_handle:
 * @context: what the methods work on
 * @session: who sends it
 * @text: one message, need not end with a NUL
 *
 * Handles one JSON-RPC request. This is the one place where permission and VPS scope are checked,
 * in the order: form, method, permission, params, VPS. The answer goes to @session, possibly later.
 */
void vb_rpc_handle (VbRpcContext *context, VbSession *session, const char *text, gsize length);

/**
 * VbParamType:
 * @VB_PARAM_STRING: a string
 * @VB_PARAM_INTEGER: an integer
 * @VB_PARAM_BOOLEAN: true or false
 * @VB_PARAM_OBJECT: an object, whose members the method checks
 * @VB_PARAM_OBJECT_OR_NULL: the same, or null
 * @VB_PARAM_VPS: UUID of a VPS that exists for the client
 * @VB_PARAM_VPS_OR_ALL: the same, or "*"
 * @VB_PARAM_VPS_NAME_OR_ALL: the same, but the VPS may exist no more
 * @VB_PARAM_OTHER_VPS: UUID of a second VPS that exists for the client
 */
typedef enum
{
  VB_PARAM_STRING,
  VB_PARAM_INTEGER,
  VB_PARAM_BOOLEAN,
  VB_PARAM_OBJECT,
  VB_PARAM_OBJECT_OR_NULL,
  VB_PARAM_VPS,
  VB_PARAM_VPS_OR_ALL,
  VB_PARAM_VPS_NAME_OR_ALL,
  VB_PARAM_OTHER_VPS,
} VbParamType;

/**
 * VbParam:
 * @name: its name
 * @type: what it holds
 * @optional: whether it may be missing
 * @minimum: shortest string in characters, or smallest integer
 * @maximum: longest string in characters, or largest integer
 */
typedef struct
{
  const char *name;
  VbParamType type;
  gboolean optional;
  gint64 minimum;
  gint64 maximum;
} VbParam;

/** VB_PARAMS_MAX: params of a method at most, with the zeroed row that ends them */
#define VB_PARAMS_MAX 8

/**
 * VbCall:
 *
 * One request under way. Whoever answers or refuses it gives it up.
 */
typedef struct _VbCall VbCall;

/**
 * VbAudit:
 * @VB_AUDIT_ALWAYS: whoever asks for it is written down, with the outcome
 * @VB_AUDIT_REFUSED: it changes nothing of a VPS: only who asks for what is not theirs is
 */
typedef enum
{
  VB_AUDIT_ALWAYS,
  VB_AUDIT_REFUSED,
} VbAudit;

/**
 * VbBulk:
 * @VB_BULK_NONE: runs at once
 * @VB_BULK_LIST: reads from the journal: has its turn in the context's queue of lists
 * @VB_BULK_VERIFY: reads a backup: has its turn in the context's queue of verifies
 */
typedef enum
{
  VB_BULK_NONE,
  VB_BULK_LIST,
  VB_BULK_VERIFY,
} VbBulk;

/**
 * VbMethod:
 * @name: its name
 * @any_of: permissions of which one is enough, %VB_PERMISSION_NONE for everybody
 * @params: ended by a zeroed row
 * @run: does it; takes the call
 * @audit: what of it goes into the audit log
 * @also: a permission that is needed besides, %VB_PERMISSION_NONE for no other
 * @bulk: whether it waits for its turn
 */
typedef struct
{
  const char *name;
  VbPermissions any_of;
  VbParam params[VB_PARAMS_MAX];
  void (*run) (VbCall *call);
  VbAudit audit;
  VbPermissions also;
  VbBulk bulk;
} VbMethod;

/* Tables of methods, each ended by a zeroed row. */
extern const VbMethod vb_rpc_audit_methods[];
extern const VbMethod vb_rpc_session_methods[];
extern const VbMethod vb_rpc_vps_methods[];
extern const VbMethod vb_rpc_backup_methods[];
extern const VbMethod vb_rpc_download_methods[];
extern const VbMethod vb_rpc_schedule_methods[];
extern const VbMethod vb_rpc_notification_methods[];
extern const VbMethod vb_rpc_push_methods[];
extern const VbMethod vb_rpc_undo_methods[];

/* For the methods. */
VbRpcContext *vb_call_get_context (VbCall *self);
VbManager *vb_call_get_manager (VbCall *self);
VbSession *vb_call_get_session (VbCall *self);
VbIdentity *vb_call_get_identity (VbCall *self);
/** vb_call_get_vps: Returns: (transfer none) (nullable): the VPS that the request names; %NULL for
 * "*" or none */
VbVps *vb_call_get_vps (VbCall *self);
/** vb_call_get_vps_name: Returns: (transfer none) (nullable): its UUID in lower case; %NULL for "*"
 * or none */
const char *vb_call_get_vps_name (VbCall *self);
/** vb_call_get_other_vps: Returns: (transfer none) (nullable): the UUID of the second VPS, in lower
 * case */
const char *vb_call_get_other_vps (VbCall *self);
/** vb_call_get_string: Returns: (transfer none) (nullable): %NULL when it is missing */
const char *vb_call_get_string (VbCall *self, const char *name);
/** vb_call_get_integer: Returns: @fallback when it is missing */
gint64 vb_call_get_integer (VbCall *self, const char *name, gint64 fallback);
/** vb_call_get_object: Returns: (transfer none) (nullable): %NULL when it is missing or null */
JsonObject *vb_call_get_object (VbCall *self, const char *name);
/** vb_call_get_boolean: Returns: %FALSE when it is missing */
gboolean vb_call_get_boolean (VbCall *self, const char *name);

/* A number that a method has to remember until it answers. */
gint64 vb_call_get_number (VbCall *self);
void vb_call_set_number (VbCall *self, gint64 number);

/* The answer goes out when the audit log has it. */
/** vb_call_add_operation: @object: gets what was just admitted, on the VPS of the request, as
 * “operation” */
void vb_call_add_operation (VbCall *self, JsonObject *object, const VbOperationRecord *record);

/** vb_call_answer: @self: (transfer full); @result: (transfer full) */
void vb_call_answer (VbCall *self, JsonObject *result);
/** vb_call_refuse: @self: (transfer full); @error: (transfer none): of #VB_ERROR or any other
 * domain */
void vb_call_refuse (VbCall *self, const GError *error);

G_END_DECLS
