/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request at a time changes a VPS: whoever comes while another is inside waits its turn, so
 * that no two admissions see the same free slot and no power action slips between an admission and
 * its lock. */
#include "vb-manager-private.h"

#include "core/base/vb-error.h"

typedef struct
{
  GTask *task;
  VbGateFunc func;
} Waiting;

void
vb_manager_enter (VbManager *self, const char *uuid, GTask *task, VbGateFunc func)
{
  GQueue *gate = g_hash_table_lookup (self->gates, uuid);
  if (gate == NULL)
    {
      g_hash_table_insert (self->gates, g_strdup (uuid), g_queue_new ());
      func (self, task);
      return;
    }
  Waiting *waiting = g_new0 (Waiting, 1);
  waiting->task = task;
  waiting->func = func;
  g_queue_push_tail (gate, waiting);
}

void
vb_manager_leave (VbManager *self, const char *uuid)
{
  GQueue *gate = g_hash_table_lookup (self->gates, uuid);
  g_autofree Waiting *next = gate ? g_queue_pop_head (gate) : NULL;
  if (next == NULL)
    g_hash_table_remove (self->gates, uuid);
  else
    next->func (self, next->task);
}

void
vb_manager_fail_waiting (VbManager *self, VbError code)
{
  GHashTableIter iter;
  gpointer gate;
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  g_hash_table_iter_init (&iter, self->gates);
  while (g_hash_table_iter_next (&iter, NULL, &gate))
    {
      Waiting *waiting;
      while ((waiting = g_queue_pop_head (gate)) != NULL)
        {
          g_ptr_array_add (tasks, waiting->task);
          g_free (waiting);
        }
    }
  for (guint i = 0; i < tasks->len; i++)
    g_task_return_new_error (g_ptr_array_index (tasks, i), VB_ERROR, code, "%s",
                             vb_error_public_message (code));
}
