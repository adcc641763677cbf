/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_KEEP_MAX: most backups that one rule may keep */
#define VB_KEEP_MAX 99

/**
 * VbKeep:
 * @last: the newest so many, at least 1
 * @daily: of the newest so many days with a backup the last one of each
 * @weekly: likewise of weeks, which begin on Monday
 * @monthly: likewise of months
 *
 * What a schedule keeps of its backups: those that one of the rules keeps. Plain data.
 */
typedef struct
{
  guint last;
  guint daily;
  guint weekly;
  guint monthly;
} VbKeep;

/** VbKept: why a backup stays; %VB_KEPT_NOT: it does not */
typedef enum
{
  VB_KEPT_NOT = 0,
  VB_KEPT_LAST = 1 << 0,
  VB_KEPT_DAILY = 1 << 1,
  VB_KEPT_WEEKLY = 1 << 2,
  VB_KEPT_MONTHLY = 1 << 3,
} VbKept;

/**
 * VbRetention:
 *
 * Goes through backups of one schedule, newest first, and says what is kept. What nobody may remove
 * (protected backups, and those that a person or another schedule has made) is not shown to it: it
 * stays, and takes no one's place.
 */
typedef struct
{
  VbKeep left;
  gint64 day, week, month; /* the newest of these is known */
} VbRetention;

void vb_retention_init (VbRetention *self, const VbKeep *keep);

/** vb_retention_look: @minute: local minute (#VbCalendar) of the next older backup */
VbKept vb_retention_look (VbRetention *self, gint64 minute);

/** vb_retention_is_done: Returns: whether nothing older is kept */
gboolean vb_retention_is_done (const VbRetention *self);

/**
 * vb_keep_count:
 * @a_day: most backups that are made in a day
 * @days_a_week: most days of a week that have some
 * @days_a_month: most days of a month
 *
 * Returns: most backups that the rules keep at a time
 */
guint vb_keep_count (const VbKeep *self, guint a_day, guint days_a_week, guint days_a_month);

gboolean vb_keep_equal (const VbKeep *a, const VbKeep *b);

G_END_DECLS
