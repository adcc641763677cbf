/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-capture.h"
#include "libvirt/connection/vb-libvirt-connection-pool.h"

G_BEGIN_DECLS

/**
 * VbLibvirtCaptures:
 *
 * All captures that are under way, live and offline. The functions are those of
 * #VbHypervisorInterface; they block and belong into worker threads, except where said otherwise.
 */
typedef struct _VbLibvirtCaptures VbLibvirtCaptures;

VbLibvirtCaptures *vb_libvirt_captures_new (VbConnectionPool *gate, const char *runtime_folder);
void vb_libvirt_captures_free (VbLibvirtCaptures *self);

VbCapture *vb_libvirt_captures_begin (VbLibvirtCaptures *self,
                                      const VbCaptureRequest *request,
                                      GCancellable *cancellable,
                                      GError **error);
gboolean vb_libvirt_captures_check (VbLibvirtCaptures *self, VbCapture *capture, GError **error);
gboolean vb_libvirt_captures_has_process (VbLibvirtCaptures *self, VbCapture *capture);
gboolean vb_libvirt_captures_end (VbLibvirtCaptures *self,
                                  VbCapture *capture,
                                  gboolean keep,
                                  GError **error);
gboolean vb_libvirt_captures_detach (VbLibvirtCaptures *self, VbCapture *capture, GError **error);
VbCapture *vb_libvirt_captures_resume (VbLibvirtCaptures *self,
                                       const VbCaptureRequest *request,
                                       GError **error);
gboolean vb_libvirt_captures_abort_orphan (VbLibvirtCaptures *self,
                                           const char *vps,
                                           const char *operation,
                                           const char *backup,
                                           GError **error);

/** vb_libvirt_captures_lose: a live capture of @vps, if there is one, has lost its point in time;
 * any thread, quick */
void vb_libvirt_captures_lose (VbLibvirtCaptures *self, const char *vps, const char *message);

G_END_DECLS
