/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-connection-pool.h"

G_BEGIN_DECLS

/* Freezing the guest's file systems. An agent that does not answer must never leave the guest
 * frozen, so each freeze that was asked for, even without success, is followed by a thaw. Worker
 * threads. */

/**
 * vb_guest_agent_freeze:
 * @timeout_s: longest wait for an answer
 * @operation: id of the operation, for the log
 *
 * Returns: whether at least one file system is frozen now
 */
gboolean vb_guest_agent_freeze (virDomainPtr domain, guint timeout_s, const char *operation);

/**
 * vb_guest_agent_thaw:
 * @gate: for more attempts, should this one fail: they go on in the background until the agent has
 *   answered or the VPS is off
 * @operation: id of the operation, for the log
 *
 * Returns: whether the guest confirmed
 */
gboolean vb_guest_agent_thaw (VbConnectionPool *gate, virDomainPtr domain, const char *operation);

G_END_DECLS
