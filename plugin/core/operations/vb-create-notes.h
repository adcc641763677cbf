/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-capture.h"

G_BEGIN_DECLS

/**
 * VbCreateNotes:
 * @again: it has begun anew once; it will not a second time
 * @held: a point in time was taken; the other fields are about it
 * @running: the VPS was running then, so that the hypervisor may hold it still
 * @consistency: what it is worth
 * @created_at: (nullable): when it was, UTC
 *
 * What a create keeps in the journal for the time after a crash: the details of its
 * #VbOperationRecord.
 */
typedef struct
{
  gboolean again;
  gboolean held;
  gboolean running;
  VbConsistency consistency;
  GDateTime *created_at;
} VbCreateNotes;

/** vb_create_notes_clear: empties @self, which is on the stack */
void vb_create_notes_clear (VbCreateNotes *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VbCreateNotes, vb_create_notes_clear)

/** vb_create_notes_parse: @text: (nullable): words that are not known are ignored; Returns: for
 * vb_create_notes_clear() */
VbCreateNotes vb_create_notes_parse (const char *text);

/** vb_create_notes_to_text: Returns: (transfer full): what vb_create_notes_parse() understands */
char *vb_create_notes_to_text (const VbCreateNotes *self);

G_END_DECLS
