/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-histogram.h"

void
vb_histogram_observe (VbHistogram *self, double value)
{
  for (guint i = 0; self->bounds[i] > 0; i++)
    if (value <= self->bounds[i])
      {
        self->counts[i]++;
        break;
      }
  self->count++;
  self->sum += value;
}

/* The number format of the text must not depend on the locale of the process. */
void
vb_histogram_print (const VbHistogram *self, GString *out, const char *name, const char *labels)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 below = 0;

  for (guint i = 0; self->bounds[i] > 0; i++)
    {
      below += self->counts[i];
      g_string_append_printf (out, "%s_bucket{%s,le=\"%s\"} %" G_GUINT64_FORMAT "\n", name, labels,
                              g_ascii_dtostr (text, sizeof text, self->bounds[i]), below);
    }
  g_string_append_printf (out, "%s_bucket{%s,le=\"+Inf\"} %" G_GUINT64_FORMAT "\n", name, labels,
                          self->count);
  g_string_append_printf (out, "%s_sum{%s} %s\n", name, labels,
                          g_ascii_dtostr (text, sizeof text, self->sum));
  g_string_append_printf (out, "%s_count{%s} %" G_GUINT64_FORMAT "\n", name, labels, self->count);
}
