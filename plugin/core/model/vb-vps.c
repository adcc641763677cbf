/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-vps.h"

#include "vb-vps-rotation.h"

struct _VbVps
{
  GObject parent_instance;

  VbVpsInfo *info;
  VbSlots *slots;
  GPtrArray *backups; /* newest first */
  VbOperation *operation;
  VbUndo *undo;          /* (nullable) */
  GHashTable *next_runs; /* id of a schedule → GDateTime */
  gboolean hypervisor_available;
  gboolean pool_available;
  gboolean journal_available;
  gboolean elsewhere;
  guint64 seq;
};

G_DEFINE_FINAL_TYPE (VbVps, vb_vps, G_TYPE_OBJECT)

static void
vb_vps_finalize (GObject *object)
{
  VbVps *self = VB_VPS (object);

  vb_vps_info_free (self->info);
  g_clear_object (&self->operation);
  g_clear_pointer (&self->undo, vb_undo_free);
  g_hash_table_unref (self->next_runs);
  g_ptr_array_unref (self->backups);
  g_clear_object (&self->slots);
  G_OBJECT_CLASS (vb_vps_parent_class)->finalize (object);
}

static void
vb_vps_class_init (VbVpsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_vps_finalize;
}

static void
vb_vps_init (VbVps *self)
{
  self->backups = g_ptr_array_new_with_free_func (g_object_unref);
  self->next_runs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_date_time_unref);
}

VbVps *
vb_vps_new (const char *uuid, VbSlots *slots)
{
  VbVps *self = g_object_new (VB_TYPE_VPS, NULL);
  self->info = g_new0 (VbVpsInfo, 1);
  self->info->uuid = g_strdup (uuid);
  self->info->name = g_strdup (uuid);
  self->info->slots_total = -1;
  self->slots = g_object_ref (slots);
  return self;
}

const char *
vb_vps_get_uuid (VbVps *self)
{
  return self->info->uuid;
}

const char *
vb_vps_get_name (VbVps *self)
{
  return self->info->name;
}

VbPower
vb_vps_get_power (VbVps *self)
{
  return self->info->power;
}

gboolean
vb_vps_has_marks_in_way (VbVps *self)
{
  return self->info->marks_in_way;
}

const char *
vb_vps_get_status (VbVps *self)
{
  if (self->operation == NULL)
    return vb_power_to_string (self->info->power);
  return vb_operation_get_kind (self->operation) == VB_OPERATION_CREATE ? "creating_backup"
                                                                        : "restoring_backup";
}

VbPowerActions
vb_vps_get_power_actions (VbVps *self)
{
  VbPowerActions actions = { 0 };
  if (self->operation != NULL || !self->hypervisor_available)
    return actions;

  VbPower power = self->info->power;
  gboolean on = power == VB_POWER_RUNNING || power == VB_POWER_PAUSED;
  actions.start = power != VB_POWER_RUNNING;
  actions.stop = on;
  actions.restart = power == VB_POWER_RUNNING;
  return actions;
}

VbSlots *
vb_vps_get_slots (VbVps *self)
{
  return self->slots;
}

static VbCanCreate
can_create (VbVps *self, gboolean is_full)
{
  if (self->operation != NULL)
    return VB_CANNOT_OPERATION_RUNNING;
  if (is_full)
    return VB_CANNOT_SLOTS_FULL;
  if (!self->hypervisor_available)
    return VB_CANNOT_HYPERVISOR_UNAVAILABLE;
  if (!self->pool_available)
    return VB_CANNOT_POOL_UNAVAILABLE;
  if (!self->journal_available)
    return VB_CANNOT_JOURNAL_UNAVAILABLE;
  if (self->info->unsupported != NULL)
    return VB_CANNOT_UNSUPPORTED_DISK;
  return VB_CAN_CREATE;
}

VbCanCreate
vb_vps_can_create (VbVps *self)
{
  return self->elsewhere ? VB_CANNOT_OPERATION_RUNNING : vb_vps_check_create (self);
}

VbCanCreate
vb_vps_check_create (VbVps *self)
{
  return can_create (self, vb_slots_is_full (self->slots));
}

/* A second one without a slot of its own would share what is to be freed with the first. */
VbCanCreate
vb_vps_can_create_scheduled (VbVps *self)
{
  gboolean may_replace
      = vb_vps_find_without_slot (self) == NULL && vb_vps_find_rotatable (self, NULL, NULL) != NULL;
  return can_create (self, vb_slots_is_full (self->slots) && !may_replace);
}

VbError
vb_can_create_error (VbCanCreate value)
{
  static const VbError errors[] = {
    [VB_CAN_CREATE] = VB_ERROR_INTERNAL,
    [VB_CANNOT_OPERATION_RUNNING] = VB_ERROR_OPERATION_RUNNING,
    [VB_CANNOT_SLOTS_FULL] = VB_ERROR_SLOTS_FULL,
    [VB_CANNOT_HYPERVISOR_UNAVAILABLE] = VB_ERROR_HYPERVISOR_UNAVAILABLE,
    [VB_CANNOT_POOL_UNAVAILABLE] = VB_ERROR_POOL_UNAVAILABLE,
    [VB_CANNOT_JOURNAL_UNAVAILABLE] = VB_ERROR_JOURNAL_UNAVAILABLE,
    [VB_CANNOT_UNSUPPORTED_DISK] = VB_ERROR_UNSUPPORTED_DISK,
  };
  return errors[value];
}

const char *
vb_can_create_reason (VbCanCreate value)
{
  return value == VB_CAN_CREATE ? NULL : vb_error_reason (vb_can_create_error (value));
}

const char *
vb_vps_get_unsupported (VbVps *self)
{
  return self->info->unsupported;
}

GPtrArray *
vb_vps_get_schedules (VbVps *self)
{
  return self->info->schedules;
}

GDateTime *
vb_vps_get_next_run (VbVps *self, const char *schedule)
{
  GDateTime *earliest = NULL;
  GHashTableIter iter;
  gpointer time;

  if (schedule != NULL)
    return g_hash_table_lookup (self->next_runs, schedule);
  g_hash_table_iter_init (&iter, self->next_runs);
  while (g_hash_table_iter_next (&iter, NULL, &time))
    if (earliest == NULL || g_date_time_compare (time, earliest) < 0)
      earliest = time;
  return earliest;
}

VbOperation *
vb_vps_get_operation (VbVps *self)
{
  return self->operation;
}

GPtrArray *
vb_vps_get_backups (VbVps *self)
{
  return self->backups;
}

VbBackup *
vb_vps_find_backup (VbVps *self, const char *backup)
{
  for (guint i = 0; i < self->backups->len; i++)
    if (g_strcmp0 (vb_backup_get_id (g_ptr_array_index (self->backups, i)), backup) == 0)
      return g_ptr_array_index (self->backups, i);
  return NULL;
}

guint64
vb_vps_get_seq (VbVps *self)
{
  return self->seq;
}

static gboolean
same_info (const VbVpsInfo *a, const VbVpsInfo *b)
{
  return a->power == b->power && a->slots_total == b->slots_total
         && g_strcmp0 (a->name, b->name) == 0 && g_strcmp0 (a->unsupported, b->unsupported) == 0
         && vb_schedules_equal (a->schedules, b->schedules);
}

gboolean
vb_vps_set_info (VbVps *self, const VbVpsInfo *info)
{
  gboolean changed = !same_info (self->info, info);
  VbVpsInfo *copy = vb_vps_info_copy (info);
  vb_vps_info_free (self->info);
  self->info = copy;
  if (vb_slots_set_total (self->slots, info->slots_total))
    changed = TRUE;
  return changed;
}

gboolean
vb_vps_set_availability (VbVps *self, gboolean hypervisor, gboolean pool, gboolean journal)
{
  gboolean changed = self->hypervisor_available != hypervisor || self->pool_available != pool
                     || self->journal_available != journal;
  self->hypervisor_available = hypervisor;
  self->pool_available = pool;
  self->journal_available = journal;
  return changed;
}

gboolean
vb_vps_set_elsewhere (VbVps *self, gboolean elsewhere)
{
  gboolean changed = self->elsewhere != elsewhere;
  self->elsewhere = elsewhere;
  return changed;
}

void
vb_vps_set_schedules (VbVps *self, GPtrArray *schedules)
{
  if (schedules != NULL)
    g_ptr_array_ref (schedules);
  g_clear_pointer (&self->info->schedules, g_ptr_array_unref);
  self->info->schedules = schedules;
}

gboolean
vb_vps_set_next_run (VbVps *self, const char *schedule, GDateTime *next_run)
{
  GDateTime *before = g_hash_table_lookup (self->next_runs, schedule);

  if (next_run == NULL)
    return g_hash_table_remove (self->next_runs, schedule);
  if (before != NULL && g_date_time_equal (before, next_run))
    return FALSE;
  g_hash_table_replace (self->next_runs, g_strdup (schedule), g_date_time_ref (next_run));
  return TRUE;
}

void
vb_vps_set_operation (VbVps *self, VbOperation *operation)
{
  g_set_object (&self->operation, operation);
}

static gboolean
is_being_made (VbBackup *backup)
{
  VbBackupState state = vb_backup_get_state (backup);
  return state == VB_BACKUP_QUEUED || state == VB_BACKUP_CREATING;
}

/* After a restart nobody knows the place of one that is being made until the pool has it. */
static gint
compare_newest_first (gconstpointer a, gconstpointer b)
{
  VbBackup *left = *(VbBackup *const *) a;
  VbBackup *right = *(VbBackup *const *) b;

  if (is_being_made (left) != is_being_made (right))
    return is_being_made (left) ? -1 : 1;
  return vb_backup_info_compare (vb_backup_get_info (left), vb_backup_get_info (right));
}

guint64
vb_vps_next_sequence (VbVps *self)
{
  guint64 last = 0;

  for (guint i = 0; i < self->backups->len; i++)
    last = MAX (last, vb_backup_get_info (g_ptr_array_index (self->backups, i))->sequence);
  return last + 1;
}

void
vb_vps_sort_backups (VbVps *self)
{
  g_ptr_array_sort (self->backups, compare_newest_first);
}

void
vb_vps_add_backup (VbVps *self, VbBackup *backup)
{
  g_ptr_array_insert (self->backups, 0, g_object_ref (backup));
  vb_vps_sort_backups (self);
}

void
vb_vps_remove_backup (VbVps *self, const char *backup)
{
  VbBackup *found = vb_vps_find_backup (self, backup);
  if (found == NULL)
    return;
  vb_backup_release_slot (found);
  g_ptr_array_remove (self->backups, found);

  VbBackup *waiting = vb_vps_find_without_slot (self);
  if (waiting != NULL && !vb_slots_is_full (self->slots))
    vb_backup_take_slot (waiting, vb_slots_lease (self->slots));
}

guint64
vb_vps_next_seq (VbVps *self)
{
  return ++self->seq;
}

void
vb_vps_set_seq (VbVps *self, guint64 seq)
{
  self->seq = seq;
}

const VbUndo *
vb_vps_get_undo (VbVps *self)
{
  return self->undo;
}

void
vb_vps_set_undo (VbVps *self, const VbUndo *undo)
{
  g_clear_pointer (&self->undo, vb_undo_free);
  self->undo = undo ? vb_undo_copy (undo) : NULL;
}
