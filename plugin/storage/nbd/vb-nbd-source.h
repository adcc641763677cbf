/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "storage/base/vb-ranges.h"

G_BEGIN_DECLS

/**
 * VbNbdSource:
 *
 * A disk that an NBD server shows, read over as many connections as the server likes. For one
 * thread, which has to call vb_nbd_source_poll() again and again while requests are under way.
 */
typedef struct _VbNbdSource VbNbdSource;

/**
 * VbNbdDone:
 * @user_data: as given to vb_nbd_source_read()
 * @error_number: 0, or the errno of what went wrong
 *
 * Called from vb_nbd_source_poll() when a request has ended, or from vb_nbd_source_free() for one
 * that has not. With libnbd before 1.18 the latter does not happen; @free_data is called in any
 * case.
 */
typedef void (*VbNbdDone) (gpointer user_data, int error_number);

/**
 * vb_nbd_source_open:
 * @socket: path of the server's unix socket
 * @export_name: (nullable): %NULL for the default export
 * @changed_context: (nullable): full name of a dirty bitmap's meta context, such as
 * "qemu:dirty-bitmap:x"
 * @stop: ends the attempt
 *
 * Makes one connection, and one more if @changed_context is given: QEMU has a limit for all disks
 * of a VPS together. An attempt that is not answered within half a minute fails.
 *
 * Returns: (transfer full) (nullable): a connected source; %VB_ERROR_INTERRUPTED when the server is
 * not there
 */
VbNbdSource *vb_nbd_source_open (const char *socket,
                                 const char *export_name,
                                 const char *changed_context,
                                 GCancellable *stop,
                                 GError **error);
void vb_nbd_source_free (VbNbdSource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbNbdSource, vb_nbd_source_free)

/** vb_nbd_source_widen: as many connections as the server likes, for a copy. The dirty bitmap
 * cannot be read any more. No read may be under way */
gboolean vb_nbd_source_widen (VbNbdSource *self, GCancellable *stop, GError **error);

/** vb_nbd_source_narrow: back to one connection. No read may be under way */
void vb_nbd_source_narrow (VbNbdSource *self);

/** vb_nbd_source_get_size: Returns: bytes of the disk */
guint64 vb_nbd_source_get_size (VbNbdSource *self);

/** vb_nbd_source_has_changed: whether the server knows the dirty bitmap that was asked for */
gboolean vb_nbd_source_has_changed (VbNbdSource *self);

/**
 * vb_nbd_source_scan_changed: only if vb_nbd_source_has_changed(), and only once. No read may be
 * under way.
 *
 * Returns: (transfer full) (nullable): what the dirty bitmap lists
 */
VbRanges *vb_nbd_source_scan_changed (VbNbdSource *self, GCancellable *stop, GError **error);

/**
 * vb_nbd_source_scan_data:
 * @within: (nullable): look at this only; %NULL for the whole disk
 *
 * Asks for the map of the disk. No read may be under way.
 *
 * Returns: (transfer full) (nullable): all that is not known to be zeros
 */
VbRanges *vb_nbd_source_scan_data (VbNbdSource *self,
                                   const VbRanges *within,
                                   GCancellable *stop,
                                   GError **error);

/**
 * vb_nbd_source_read:
 * @buffer: must stay there until @free_data is called
 * @user_data: (transfer full): for @done
 * @free_data: (nullable): called once, also when this fails; after @done where that is called
 *
 * Queues a read into @buffer. A caller that gives up does not know what is still under way: what
 * @done uses, and
 * @buffer, belong to @user_data, which lives until @free_data.
 */
gboolean vb_nbd_source_read (VbNbdSource *self,
                             void *buffer,
                             gsize length,
                             guint64 offset,
                             VbNbdDone done,
                             gpointer user_data,
                             GDestroyNotify free_data,
                             GError **error);

/** vb_nbd_source_get_in_flight: Returns: number of reads under way */
guint vb_nbd_source_get_in_flight (VbNbdSource *self);

/**
 * vb_nbd_source_poll:
 * @extra_fd: a descriptor that ends the wait when it is readable, or -1
 * @timeout_ms: longest wait
 *
 * Moves data.
 *
 * Returns: %FALSE with %VB_ERROR_INTERRUPTED when a connection is lost
 */
gboolean vb_nbd_source_poll (VbNbdSource *self, int extra_fd, int timeout_ms, GError **error);

G_END_DECLS
