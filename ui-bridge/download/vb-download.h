/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "core/base/vb-worker.h"
#include "core/interfaces/vb-disk-file.h"
#include "net/vb-peer.h"

G_BEGIN_DECLS

/** VbDownloadEnded: the answer is out, or its client has gone */
typedef void (*VbDownloadEnded) (gpointer user_data);

/**
 * vb_download_start:
 * @message: paused; its headers are set here, and it goes on
 * @peer: the client; it is cut when nothing moves for a minute, or when a byte cannot be read
 * @file: what is sent
 * @range: (nullable): value of the Range header
 * @if_range: (nullable): value of the If-Range header: another tag than that of @file sends all
 * @name: what the client is to save it as
 * @worker: whose threads read
 * @ended: called once
 *
 * Sends a file, or a part of it: one piece at a time, the next one is read when the last is with
 * the kernel, so a client that is slow holds no memory and no thread. Main context only.
 */
void vb_download_start (SoupServerMessage *message,
                        VbPeer *peer,
                        VbDiskFile *file,
                        const char *range,
                        const char *if_range,
                        const char *name,
                        VbWorker *worker,
                        VbDownloadEnded ended,
                        gpointer user_data);

G_END_DECLS
