/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbBoundedCall:
 *
 * Small blocking calls, one at a time, that the main context waits for, but never for longer than a
 * limit: what reads a file may hang with its disk. While one hangs, further ones are not begun.
 * One thread at a time.
 */
typedef struct _VbBoundedCall VbBoundedCall;

/** VbBoundedCallFunc: runs in a thread of its own; Returns: (transfer full) (nullable): the
 * result */
typedef gpointer (*VbBoundedCallFunc) (gpointer data);

/** vb_bounded_call_new: @limit_ms: how long its caller waits at most */
VbBoundedCall *vb_bounded_call_new (guint limit_ms);

/** vb_bounded_call_free: does not wait: a call that hangs frees what it has when it ends */
void vb_bounded_call_free (VbBoundedCall *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbBoundedCall, vb_bounded_call_free)

/**
 * vb_bounded_call_run:
 * @data: (transfer full): for @func
 * @data_free: for @data
 * @result: (out) (transfer full) (nullable): what @func has returned
 * @result_free: for a result that comes too late
 *
 * Returns: %FALSE when @func has not ended within the limit, one before it still hangs, or the
 * process may have no more threads
 */
gboolean vb_bounded_call_run (VbBoundedCall *self,
                              VbBoundedCallFunc func,
                              gpointer data,
                              GDestroyNotify data_free,
                              gpointer *result,
                              GDestroyNotify result_free);

G_END_DECLS
