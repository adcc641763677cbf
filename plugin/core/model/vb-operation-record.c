/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-operation-record.h"

static const char *const kind_words[] = { "create", "restore", "undo" };
static const char *const state_words[] = {
  "queued", "preparing", "copying", "finishing", "completed", "failed", "cancelled",
};

static gboolean
find_word (const char *const *words, gsize n, const char *text, int *index)
{
  for (gsize i = 0; i < n; i++)
    if (g_strcmp0 (words[i], text) == 0)
      {
        *index = (int) i;
        return TRUE;
      }
  return FALSE;
}

const char *
vb_operation_kind_to_string (VbOperationKind kind)
{
  return kind_words[kind];
}

gboolean
vb_operation_kind_from_string (const char *text, VbOperationKind *kind)
{
  int index = 0;
  gboolean found = find_word (kind_words, G_N_ELEMENTS (kind_words), text, &index);
  if (found)
    *kind = (VbOperationKind) index;
  return found;
}

const char *
vb_operation_state_to_string (VbOperationState state)
{
  return state_words[state];
}

gboolean
vb_operation_state_from_string (const char *text, VbOperationState *state)
{
  int index = 0;
  gboolean found = find_word (state_words, G_N_ELEMENTS (state_words), text, &index);
  if (found)
    *state = (VbOperationState) index;
  return found;
}

gboolean
vb_operation_state_is_end (VbOperationState state)
{
  return state >= VB_OPERATION_COMPLETED;
}

VbOperationRecord *
vb_operation_record_new (void)
{
  return g_new0 (VbOperationRecord, 1);
}

VbOperationRecord *
vb_operation_record_copy (const VbOperationRecord *self)
{
  VbOperationRecord *copy = g_memdup2 (self, sizeof *self);
  copy->id = g_strdup (self->id);
  copy->vps = g_strdup (self->vps);
  copy->vps_name = g_strdup (self->vps_name);
  copy->backup = g_strdup (self->backup);
  copy->backup_name = g_strdup (self->backup_name);
  copy->request_key = g_strdup (self->request_key);
  copy->subject = g_strdup (self->subject);
  copy->schedule = g_strdup (self->schedule);
  copy->first_backup = g_strdup (self->first_backup);
  copy->part_of = g_strdup (self->part_of);
  copy->source_vps = g_strdup (self->source_vps);
  copy->was_power = g_strdup (self->was_power);
  copy->details = g_strdup (self->details);
  copy->started_at = self->started_at ? g_date_time_ref (self->started_at) : NULL;
  copy->ended_at = self->ended_at ? g_date_time_ref (self->ended_at) : NULL;
  copy->error_reason = g_strdup (self->error_reason);
  copy->error_message = g_strdup (self->error_message);
  return copy;
}

void
vb_operation_record_free (VbOperationRecord *self)
{
  g_free (self->id);
  g_free (self->vps);
  g_free (self->vps_name);
  g_free (self->backup);
  g_free (self->backup_name);
  g_free (self->request_key);
  g_free (self->subject);
  g_free (self->schedule);
  g_free (self->first_backup);
  g_free (self->part_of);
  g_free (self->source_vps);
  g_free (self->was_power);
  g_free (self->details);
  g_clear_pointer (&self->started_at, g_date_time_unref);
  g_clear_pointer (&self->ended_at, g_date_time_unref);
  g_free (self->error_reason);
  g_free (self->error_message);
  g_free (self);
}

const char *
vb_operation_record_get_half (const VbOperationRecord *self)
{
  return self->kind == VB_OPERATION_CREATE ? self->backup : self->first_backup;
}

const char *
vb_operation_record_get_source (const VbOperationRecord *self)
{
  return self->source_vps ? self->source_vps : self->vps;
}
