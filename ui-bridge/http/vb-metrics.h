/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/manager/vb-manager.h"

G_BEGIN_DECLS

/**
 * VbMetrics:
 *
 * Counts what operations came to, and writes all numbers as Prometheus text. Main context only.
 */
#define VB_TYPE_METRICS (vb_metrics_get_type ())
G_DECLARE_FINAL_TYPE (VbMetrics, vb_metrics, VB, METRICS, GObject)

VbMetrics *vb_metrics_new (VbManager *manager);

/** vb_metrics_print: @n_connections: open ones; @n_sessions: of which websockets; Returns:
 * (transfer full): the text */
char *vb_metrics_print (VbMetrics *self, guint n_connections, guint n_sessions);

G_END_DECLS
