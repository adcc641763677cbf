/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-schedules.h"

VbSchedule *
vb_schedules_find (GPtrArray *schedules, const char *id)
{
  for (guint i = 0; schedules != NULL && i < schedules->len; i++)
    if (g_str_equal (vb_schedule_get_id (g_ptr_array_index (schedules, i)), id))
      return g_ptr_array_index (schedules, i);
  return NULL;
}

GPtrArray *
vb_schedules_with (GPtrArray *schedules, const char *id, VbSchedule *schedule)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_schedule_unref);
  gboolean is_new = vb_schedules_find (schedules, id) == NULL;

  for (guint i = 0; schedules != NULL && i < schedules->len; i++)
    {
      VbSchedule *one = g_ptr_array_index (schedules, i);
      if (g_str_equal (vb_schedule_get_id (one), id))
        one = schedule;
      if (one != NULL)
        g_ptr_array_add (all, vb_schedule_ref (one));
    }
  if (is_new && schedule != NULL)
    g_ptr_array_add (all, vb_schedule_ref (schedule));
  return all->len > 0 ? g_steal_pointer (&all) : NULL;
}

gboolean
vb_schedules_equal (GPtrArray *a, GPtrArray *b)
{
  guint n = a != NULL ? a->len : 0;

  if (n != (b != NULL ? b->len : 0))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!vb_schedule_equal (g_ptr_array_index (a, i), g_ptr_array_index (b, i)))
      return FALSE;
  return TRUE;
}

guint
vb_schedules_count_kept (GPtrArray *schedules)
{
  guint count = 0;

  for (guint i = 0; schedules != NULL && i < schedules->len; i++)
    count += vb_schedule_count_kept (g_ptr_array_index (schedules, i));
  return count;
}
