/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_HISTOGRAM_MAX: most bounds that a histogram can have */
#define VB_HISTOGRAM_MAX 12

/**
 * VbHistogram:
 * @bounds: upper bounds, growing; ends with 0
 *
 * How often a value came to lie where. Initialize @bounds and leave the rest zero.
 */
typedef struct
{
  double bounds[VB_HISTOGRAM_MAX + 1];
  guint64 counts[VB_HISTOGRAM_MAX];
  guint64 count;
  double sum;
} VbHistogram;

/** vb_histogram_observe: counts @value */
void vb_histogram_observe (VbHistogram *self, double value);

/** vb_histogram_print: appends it as Prometheus text; @labels: such as `kind="create"` */
void
vb_histogram_print (const VbHistogram *self, GString *out, const char *name, const char *labels);

G_END_DECLS
