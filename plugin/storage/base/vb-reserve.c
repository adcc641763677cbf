/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-reserve.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define MAX_PERCENT 90

gboolean
vb_reserve_parse (const char *text, VbReserve *reserve, GError **error)
{
  static const char units[] = "KMGT";
  char *end = NULL;
  guint shift = 0;

  guint64 number = g_ascii_isdigit (text[0]) ? g_ascii_strtoull (text, &end, 10) : 0;
  gboolean ok = end != NULL;
  *reserve = (VbReserve){ 0 };

  if (ok && g_str_equal (end, "%"))
    {
      ok = number <= MAX_PERCENT;
      reserve->percent = (guint) number;
    }
  else if (ok)
    {
      const char *unit = *end ? strchr (units, *end) : NULL;
      if (unit)
        {
          shift = (guint) (unit - units + 1) * 10;
          end++;
        }
      ok = *end == '\0' && number <= (guint64) G_MAXINT64 >> shift;
      reserve->bytes = number << shift;
    }
  if (!ok)
    g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                 _ ("“%s” is not a size: write bytes, a number with K, M, G or T, or up to %d%%"),
                 text, MAX_PERCENT);
  return ok;
}

guint64
vb_reserve_of (const VbReserve *self, guint64 total_bytes)
{
  return self->percent > 0 ? total_bytes / 100 * self->percent : self->bytes;
}
