/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-retention.h"

#define MINUTES_A_DAY 1440

void
vb_retention_init (VbRetention *self, const VbKeep *keep)
{
  *self = (VbRetention){ .left = *keep, .day = -1, .week = -1, .month = -1 };
}

static gint64
month_of (gint64 day)
{
  GDate date;

  g_date_clear (&date, 1);
  g_date_set_julian (&date, (guint32) day);
  return (gint64) g_date_get_year (&date) * 12 + g_date_get_month (&date);
}

/* The first one that is seen of a day, a week or a month is its newest. */
static gboolean
take (guint *left, gint64 *seen, gint64 period)
{
  gboolean is_new = *seen != period;

  *seen = period;
  if (!is_new || *left == 0)
    return FALSE;
  (*left)--;
  return TRUE;
}

VbKept
vb_retention_look (VbRetention *self, gint64 minute)
{
  gint64 day = minute / MINUTES_A_DAY;
  VbKept kept = VB_KEPT_NOT;

  if (self->left.last > 0)
    {
      self->left.last--;
      kept |= VB_KEPT_LAST;
    }
  if (take (&self->left.daily, &self->day, day))
    kept |= VB_KEPT_DAILY;
  /* Day 1 was a Monday. */
  if (take (&self->left.weekly, &self->week, (day - 1) / 7))
    kept |= VB_KEPT_WEEKLY;
  if (take (&self->left.monthly, &self->month, month_of (day)))
    kept |= VB_KEPT_MONTHLY;
  return kept;
}

gboolean
vb_retention_is_done (const VbRetention *self)
{
  return self->left.last == 0 && self->left.daily == 0 && self->left.weekly == 0
         && self->left.monthly == 0;
}

/* Beyond the newest one, and those that other rules keep already. */
static guint
count_more (guint n, guint known)
{
  return n > known + 1 ? n - known - 1 : 0;
}

/* At the end of a period, which is the worst: all rules share the newest backup, and one rule keeps
 * another's as far back as it reaches. */
guint
vb_keep_count (const VbKeep *self, guint a_day, guint days_a_week, guint days_a_month)
{
  guint last = MAX (self->last, 1) - 1;
  /* With one day a week both rules say the same. */
  guint daily = days_a_week == 1 ? MAX (self->daily, self->weekly) : self->daily;
  guint days = daily > 0 ? daily - 1 : 0;
  guint weeks = MAX (last / (a_day * days_a_week), days / days_a_week);
  guint months = MAX (last / (a_day * days_a_month), days / days_a_month);

  return last + 1 + count_more (daily, last / a_day) + count_more (self->weekly, weeks)
         + count_more (self->monthly, months);
}

gboolean
vb_keep_equal (const VbKeep *a, const VbKeep *b)
{
  return a->last == b->last && a->daily == b->daily && a->weekly == b->weekly
         && a->monthly == b->monthly;
}
