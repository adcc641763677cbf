/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbSendKind:
 * @VB_SEND_ALWAYS: answers and notifications: never dropped, never replaced
 * @VB_SEND_STATE: `vps.changed`: a newer one of the same VPS replaces it
 * @VB_SEND_PROGRESS: `operation.progress`: a newer one replaces it, and it is dropped when room
 * gets scarce
 */
typedef enum
{
  VB_SEND_ALWAYS,
  VB_SEND_STATE,
  VB_SEND_PROGRESS,
} VbSendKind;

/**
 * VbSendQueue:
 *
 * What waits to be sent to one client. Bounded in bytes: a client that reads too slowly loses
 * intermediate progress first and states that a newer one makes worthless; when that is not enough
 * it has to go. Order is kept, so the `seq` of a VPS only grows. Texts are reference-counted
 * (#GRefString), since one text goes to many clients. Costs next to nothing while empty. Main
 * context only.
 */
typedef struct _VbSendQueue VbSendQueue;

/** vb_send_queue_new: @limit_bytes: most that may wait; a single text may be longer */
VbSendQueue *vb_send_queue_new (gsize limit_bytes);
void vb_send_queue_free (VbSendQueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSendQueue, vb_send_queue_free)

/**
 * vb_send_queue_push:
 * @vps: (nullable): UUID, for states and progress
 * @text: (transfer none): a #GRefString; a reference is taken
 *
 * Returns: %FALSE when the client is too slow and there is nothing left to drop
 */
gboolean vb_send_queue_push (VbSendQueue *self, VbSendKind kind, const char *vps, char *text);

/** vb_send_queue_pop: Returns: (transfer full) (nullable): the #GRefString to be sent next */
char *vb_send_queue_pop (VbSendQueue *self);

gboolean vb_send_queue_is_empty (VbSendQueue *self);
/** vb_send_queue_get_bytes: Returns: bytes that wait */
gsize vb_send_queue_get_bytes (VbSendQueue *self);
void vb_send_queue_set_limit (VbSendQueue *self, gsize limit_bytes);

G_END_DECLS
