/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_AUDIT_OK: outcome of what was done */
#define VB_AUDIT_OK "ok"

/**
 * VbAuditEntry:
 * @id: increasing integer given by the journal, 0 before
 * @at: UTC; of the first one when @count is more than 1
 * @count: how often it was asked within that minute
 * @subject: who asked
 * @address: where from: an IP address, or "uid:N" on the unix socket
 * @token_id: (nullable): `jti` of the token
 * @method: what was asked
 * @vps: (nullable): of which VPS, as it was asked for; it need not exist
 * @target: (nullable): id of the backup or operation that it was about, or what was revoked
 * @outcome: %VB_AUDIT_OK, a reason of the protocol, or "invalid_params"
 *
 * One line of the audit log. Plain data that may be passed between threads.
 */
typedef struct
{
  gint64 id;
  GDateTime *at;
  gint64 count;
  char *subject;
  char *address;
  char *token_id;
  char *method;
  char *vps;
  char *target;
  char *outcome;
} VbAuditEntry;

/** vb_audit_entry_new: Returns: (transfer full): an entry of now that counts once */
VbAuditEntry *vb_audit_entry_new (void);
VbAuditEntry *vb_audit_entry_copy (const VbAuditEntry *self);
void vb_audit_entry_free (VbAuditEntry *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbAuditEntry, vb_audit_entry_free)

/**
 * vb_audit_entry_log:
 *
 * Writes it as one structured log line with the fields `SUBJECT`, `ADDRESS`, `METHOD`, `OUTCOME`
 * and, where given, `TOKEN_ID`, `TARGET` and `VPS`. Any thread.
 */
void vb_audit_entry_log (const VbAuditEntry *self);

G_END_DECLS
