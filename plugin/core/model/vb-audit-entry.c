/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-audit-entry.h"

#include "core/base/vb-log.h"

VbAuditEntry *
vb_audit_entry_new (void)
{
  VbAuditEntry *self = g_new0 (VbAuditEntry, 1);

  self->at = g_date_time_new_now_utc ();
  self->count = 1;
  return self;
}

VbAuditEntry *
vb_audit_entry_copy (const VbAuditEntry *self)
{
  VbAuditEntry *copy = g_memdup2 (self, sizeof *self);

  copy->at = self->at != NULL ? g_date_time_ref (self->at) : NULL;
  copy->subject = g_strdup (self->subject);
  copy->address = g_strdup (self->address);
  copy->token_id = g_strdup (self->token_id);
  copy->method = g_strdup (self->method);
  copy->vps = g_strdup (self->vps);
  copy->target = g_strdup (self->target);
  copy->outcome = g_strdup (self->outcome);
  return copy;
}

void
vb_audit_entry_free (VbAuditEntry *self)
{
  g_clear_pointer (&self->at, g_date_time_unref);
  g_free (self->subject);
  g_free (self->address);
  g_free (self->token_id);
  g_free (self->method);
  g_free (self->vps);
  g_free (self->target);
  g_free (self->outcome);
  g_free (self);
}

void
vb_audit_entry_log (const VbAuditEntry *self)
{
  g_autofree char *message = g_strdup_printf ("%s (%s) asked for %s: %s", self->subject,
                                              self->address, self->method, self->outcome);
  const VbLogField fields[] = {
    { "VPS", self->vps },       { "SUBJECT", self->subject }, { "ADDRESS", self->address },
    { "METHOD", self->method }, { "OUTCOME", self->outcome }, { "TOKEN_ID", self->token_id },
    { "TARGET", self->target },
  };

  vb_log_fields (G_LOG_LEVEL_INFO, fields, G_N_ELEMENTS (fields), message);
}
