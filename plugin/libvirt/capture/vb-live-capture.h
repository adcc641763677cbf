/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-capture.h"
#include "vb-live-job.h"

G_BEGIN_DECLS

/**
 * vb_live_capture_begin:
 * @gate: for what goes on in the background
 * @runtime_folder: where the capture's folder goes
 * @domain: the VPS, which is on, paused or not
 * @xml: its live XML, in which nothing is unsupported
 * @capture: to be filled in
 * @request: what is asked for
 * @cancellable: (nullable): looked at before anything is changed
 * @error: (out) (optional): of #VB_ERROR
 *
 * Freezes, begins the backup job, thaws. After a failure nothing is left. Worker threads.
 *
 * Returns: (transfer full) (nullable): the job, watched
 */
VbLiveJob *vb_live_capture_begin (VbConnectionPool *gate,
                                  const char *runtime_folder,
                                  virDomainPtr domain,
                                  VbDomainXml *xml,
                                  VbCapture *capture,
                                  const VbCaptureRequest *request,
                                  GCancellable *cancellable,
                                  GError **error);

G_END_DECLS
