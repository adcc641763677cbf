/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/interfaces/vb-journal.h"
#include "core/interfaces/vb-pool.h"

G_BEGIN_DECLS

/**
 * VbUndoKeeper:
 *
 * Which disks are kept for an undo, and when they go: after their time, when their file system runs
 * short of space, when newer ones of the VPS take their place, when somebody asks for it. One that
 * cannot be deleted is tried again; until then the journal remembers it. Main context only.
 *
 * Signals:
 *  - "changed" (VPS uuid string): another one of that VPS is kept, or none
 */
#define VB_TYPE_UNDO_KEEPER (vb_undo_keeper_get_type ())
G_DECLARE_FINAL_TYPE (VbUndoKeeper, vb_undo_keeper, VB, UNDO_KEEPER, GObject)

VbUndoKeeper *vb_undo_keeper_new (VbPool *pool, VbJournal *journal);

/** vb_undo_keeper_load: @undos: (element-type VbUndo): from the journal, oldest first */
void vb_undo_keeper_load (VbUndoKeeper *self, GPtrArray *undos);

/** vb_undo_keeper_get: Returns: (transfer none) (nullable): what can be put back on @vps */
const VbUndo *vb_undo_keeper_get (VbUndoKeeper *self, const char *vps);

/** vb_undo_keeper_add: a restore has completed, and the journal knows of @undo: what was kept
 * before goes */
void vb_undo_keeper_add (VbUndoKeeper *self, const VbUndo *undo);

/** vb_undo_keeper_forget: it was put back, and the journal knows */
void vb_undo_keeper_forget (VbUndoKeeper *self, const char *vps);

/** vb_undo_keeper_drop: deletes what is kept of @vps in a thread; with @even_the_last also where
 * the disk itself is gone */
void vb_undo_keeper_drop (VbUndoKeeper *self, const char *vps, gboolean even_the_last);

/** vb_undo_keeper_list: Returns: (transfer full) (element-type VbUndo): all that may be dropped:
 * that of
 * @vps first, then the oldest ones */
GPtrArray *vb_undo_keeper_list (VbUndoKeeper *self, const char *vps);

/** vb_undo_keeper_take: @operation: of what is kept of @vps: nobody can put it back from now on,
 * and the caller deletes it. Returns: %FALSE when it is not there any more, or held */
gboolean vb_undo_keeper_take (VbUndoKeeper *self, const char *vps, const char *operation);

/** vb_undo_keeper_return: the caller could not delete it: that is tried again as with others */
void vb_undo_keeper_return (VbUndoKeeper *self, const VbUndo *undo);

/** vb_undo_keeper_drop_missing: @vps: (set of UUIDs): those that exist; drops what is kept of
 * others */
void vb_undo_keeper_drop_missing (VbUndoKeeper *self, GHashTable *vps);

/** vb_undo_keeper_hold: while an undo works with it: it is not dropped */
void vb_undo_keeper_hold (VbUndoKeeper *self, const char *vps);
void vb_undo_keeper_release (VbUndoKeeper *self, const char *vps);

/** vb_undo_keeper_look: looks at once at times and space, as is done every few seconds */
void vb_undo_keeper_look (VbUndoKeeper *self);

/** vb_undo_keeper_stop: nothing is looked at or deleted any more */
void vb_undo_keeper_stop (VbUndoKeeper *self);

G_END_DECLS
