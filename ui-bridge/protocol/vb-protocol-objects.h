/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "core/model/vb-audit-entry.h"
#include "core/model/vb-notification.h"
#include "core/model/vb-vps.h"

G_BEGIN_DECLS

/* The objects of the protocol, member for member as the schema has them. All functions return
 * (transfer full) a new object and run on the main context. @for_admin: whether the reader is an
 * administrator, who gets the details of errors; a customer gets the public sentence of the reason
 * instead. */

JsonObject *vb_json_vps (VbVps *vps, gboolean for_admin);
JsonObject *vb_json_slots (VbSlots *slots);

/** vb_json_backup: @operation: (nullable): what runs on its VPS, for the progress of this backup */
JsonObject *vb_json_backup (VbBackup *backup, VbOperation *operation);

/** vb_json_operation: an operation that runs or waits, with rate and time left */
JsonObject *vb_json_operation (VbOperation *operation, gboolean for_admin);

/** vb_json_operation_record: an operation as the journal has it; its rate is 0 and its time left
 * null */
JsonObject *vb_json_operation_record (const VbOperationRecord *record, gboolean for_admin);

JsonObject *vb_json_notification (const VbNotification *notification);

/** vb_json_audit_entry: for administrators only */
JsonObject *vb_json_audit_entry (const VbAuditEntry *entry);

/** vb_json_add_time: sets @name to @time in RFC 3339, UTC, or to null when @time is %NULL */
void vb_json_add_time (JsonObject *object, const char *name, GDateTime *time);

/** vb_json_error: Returns: (transfer full): an error as JSON-RPC has it, made from an error of any
 * domain */
JsonObject *vb_json_error (const GError *error, gboolean for_admin);

/** vb_json_error_new: Returns: (transfer full): an error with one of JSON-RPC's own codes */
JsonObject *vb_json_error_new (int code, const char *message);

G_END_DECLS
