/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-capture.h"
#include "libvirt/xml/vb-domain-xml.h"
#include "libvirt/domain/vb-libvirt-domain.h"

G_BEGIN_DECLS

/**
 * vb_offline_capture_begin:
 * @domain: the VPS, which is off
 * @xml: its persistent XML, in which nothing is unsupported
 * @capture: to be filled in
 * @request: what is asked for
 * @error: (out) (optional): of #VB_ERROR; %VB_ERROR_DISK_MISSING when an image is not there
 *
 * Adds the bitmaps of the new checkpoint, which libvirt hears of only when the capture is kept, and
 * chooses the bitmaps to read changes from. After a failure nothing is left. Worker threads.
 *
 * Returns: %FALSE with @error set
 */
gboolean vb_offline_capture_begin (virDomainPtr domain,
                                   VbDomainXml *xml,
                                   VbCapture *capture,
                                   const VbCaptureRequest *request,
                                   GError **error);

/**
 * vb_offline_capture_check:
 * @error: (out) (optional): %VB_ERROR_DISK_BUSY
 *
 * QEMU's locks keep other QEMUs from the images meanwhile, but no other program.
 *
 * Returns: whether all images are as they were when @capture began
 */
gboolean vb_offline_capture_check (VbCapture *capture, GError **error);

G_END_DECLS
