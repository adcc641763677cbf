/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbDeliveryOutcome:
 * @VB_VERDICT_OK: as it should be
 * @VB_VERDICT_HINT: works, but costs something or lacks something
 * @VB_VERDICT_PROBLEM: backups or restores fail because of it
 */
typedef enum
{
  VB_VERDICT_OK,
  VB_VERDICT_HINT,
  VB_VERDICT_PROBLEM,
} VbDeliveryOutcome;

/**
 * VbFinding:
 * @check: a word for scripts, such as "libvirt"
 * @vps: (nullable): name of the VPS that it is about
 * @verdict: how good it is
 * @text: what was found, a translated sentence
 * @remedy: (nullable): the command that mends it
 *
 * One thing that was looked at.
 */
typedef struct
{
  const char *check;
  char *vps;
  VbDeliveryOutcome verdict;
  char *text;
  char *remedy;
} VbFinding;

void vb_finding_free (VbFinding *self);

/** vb_verdict_to_string: Returns: "ok", "hint" or "problem" */
const char *vb_verdict_to_string (VbDeliveryOutcome verdict);

/**
 * vb_findings_add:
 * @findings: (element-type VbFinding)
 * @check: (transfer none): a static string
 *
 * Returns: (transfer none): the new finding, for vps and remedy
 */
VbFinding *vb_findings_add (GPtrArray *findings,
                            const char *check,
                            VbDeliveryOutcome verdict,
                            const char *format,
                            ...) G_GNUC_PRINTF (4, 5);

/** vb_finding_set_remedy: the command that mends it */
void vb_finding_set_remedy (VbFinding *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
