/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-finding.h"

void
vb_finding_free (VbFinding *self)
{
  g_free (self->vps);
  g_free (self->text);
  g_free (self->remedy);
  g_free (self);
}

const char *
vb_verdict_to_string (VbDeliveryOutcome verdict)
{
  static const char *const words[] = { "ok", "hint", "problem" };

  return words[verdict];
}

VbFinding *
vb_findings_add (GPtrArray *findings,
                 const char *check,
                 VbDeliveryOutcome verdict,
                 const char *format,
                 ...)
{
  VbFinding *self = g_new0 (VbFinding, 1);
  va_list arguments;

  self->check = check;
  self->verdict = verdict;
  va_start (arguments, format);
  self->text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_ptr_array_add (findings, self);
  return self;
}

void
vb_finding_set_remedy (VbFinding *self, const char *format, ...)
{
  va_list arguments;

  g_free (self->remedy);
  va_start (arguments, format);
  self->remedy = g_strdup_vprintf (format, arguments);
  va_end (arguments);
}
