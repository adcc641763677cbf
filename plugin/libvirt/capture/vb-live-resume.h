/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-capture.h"
#include "vb-live-job.h"

G_BEGIN_DECLS

/**
 * vb_live_resume:
 * @gate: for what goes on in the background
 * @domain: the VPS
 * @xml: its live XML
 * @capture: to be filled in
 * @request: what is asked for; a job is ours when it carries the id of the operation
 * @error: (out) (optional): %VB_ERROR_NOT_FOUND when no job of ours runs
 *
 * Finds the backup job that a capture before a restart of the service has left. Worker threads.
 *
 * Returns: (transfer full) (nullable): the job, watched
 */
VbLiveJob *vb_live_resume (VbConnectionPool *gate,
                           virDomainPtr domain,
                           VbDomainXml *xml,
                           VbCapture *capture,
                           const VbCaptureRequest *request,
                           GError **error);

G_END_DECLS
