/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-undo-keeper.h"

#include "core/base/vb-log.h"
#include "core/base/vb-worker.h"

#define LOOK_EACH_S 5
#define MAX_THREADS 4

struct _VbUndoKeeper
{
  GObject parent_instance;

  VbPool *pool;
  VbJournal *journal;
  VbWorker *worker;
  GHashTable *kept;  /* VPS UUID → VbUndo */
  GHashTable *held;  /* set of VPS UUIDs */
  GPtrArray *doomed; /* Doomed: to be deleted, tried again until that works */
  gboolean looking;
  guint timer;
};

typedef struct
{
  VbUndo *undo;
  gboolean even_the_last;
  gboolean deleting;
} Doomed;

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VbUndoKeeper, vb_undo_keeper, G_TYPE_OBJECT)

static void
doomed_free (gpointer data)
{
  Doomed *doomed = data;
  vb_undo_free (doomed->undo);
  g_free (doomed);
}

/* --- deleting --- */

static void
delete_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbUndoKeeper *self = source;
  const Doomed *doomed = data;
  GError *error = NULL;

  if (vb_pool_drop_kept (self->pool, doomed->undo, doomed->even_the_last, &error)
      && vb_journal_remove_undo (self->journal, doomed->undo->operation, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbUndoKeeper *self = VB_UNDO_KEEPER (source);
  Doomed *doomed = g_task_get_task_data (G_TASK (result));
  const VbUndo *undo = doomed->undo;
  g_autoptr (GError) error = NULL;

  doomed->deleting = FALSE;
  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      vb_log_info (undo->vps, undo->operation, undo->backup,
                   "The disks that the restore had replaced are deleted");
      g_ptr_array_remove (self->doomed, doomed);
    }
  else
    vb_log_warning (undo->vps, undo->operation, undo->backup,
                    "Failed to delete the disks that the restore had replaced, trying again: %s",
                    error->message);
}

static void watch (VbUndoKeeper *self);

static void
delete_all (VbUndoKeeper *self)
{
  for (guint i = 0; i < self->doomed->len; i++)
    {
      Doomed *doomed = g_ptr_array_index (self->doomed, i);
      if (doomed->deleting)
        continue;
      doomed->deleting = TRUE;
      g_autoptr (GTask) task = g_task_new (self, NULL, deleted, NULL);
      g_task_set_task_data (task, doomed, NULL);
      vb_worker_run (self->worker, task, delete_in_thread);
    }
}

/* @undo: (transfer full) */
static void
doom (VbUndoKeeper *self, VbUndo *undo, gboolean even_the_last)
{
  Doomed *doomed = g_new0 (Doomed, 1);
  doomed->undo = undo;
  doomed->even_the_last = even_the_last;
  g_ptr_array_add (self->doomed, doomed);
}

void
vb_undo_keeper_drop (VbUndoKeeper *self, const char *vps, gboolean even_the_last)
{
  g_autofree char *key = NULL;
  VbUndo *undo = NULL;

  if (g_hash_table_contains (self->held, vps)
      || !g_hash_table_steal_extended (self->kept, vps, (gpointer *) &key, (gpointer *) &undo))
    return;
  doom (self, undo, even_the_last);
  delete_all (self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, key);
}

/* Copies, as the table changes meanwhile. */
static GPtrArray *
list_kept (VbUndoKeeper *self)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_undo_free);
  GHashTableIter iter;
  gpointer undo;

  g_hash_table_iter_init (&iter, self->kept);
  while (g_hash_table_iter_next (&iter, NULL, &undo))
    g_ptr_array_add (all, vb_undo_copy (undo));
  return all;
}

static int
compare_ages (gconstpointer a, gconstpointer b, gpointer first)
{
  const VbUndo *left = *(const VbUndo *const *) a;
  const VbUndo *right = *(const VbUndo *const *) b;
  int own = g_str_equal (right->vps, first) - g_str_equal (left->vps, first);

  return own != 0 ? own : g_date_time_compare (left->restored_at, right->restored_at);
}

GPtrArray *
vb_undo_keeper_list (VbUndoKeeper *self, const char *vps)
{
  g_autoptr (GPtrArray) all = list_kept (self);

  for (guint i = all->len; i-- > 0;)
    if (g_hash_table_contains (self->held, ((const VbUndo *) g_ptr_array_index (all, i))->vps))
      g_ptr_array_remove_index (all, i);
  g_ptr_array_sort_with_data (all, compare_ages, (gpointer) vps);
  return g_steal_pointer (&all);
}

gboolean
vb_undo_keeper_take (VbUndoKeeper *self, const char *vps, const char *operation)
{
  const VbUndo *undo = g_hash_table_lookup (self->kept, vps);

  if (undo == NULL || !g_str_equal (undo->operation, operation)
      || g_hash_table_contains (self->held, vps))
    return FALSE;
  g_autofree char *key = g_strdup (vps);
  g_hash_table_remove (self->kept, key);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, key);
  return TRUE;
}

void
vb_undo_keeper_return (VbUndoKeeper *self, const VbUndo *undo)
{
  doom (self, vb_undo_copy (undo), FALSE);
  watch (self);
}

void
vb_undo_keeper_drop_missing (VbUndoKeeper *self, GHashTable *vps)
{
  g_autoptr (GPtrArray) all = list_kept (self);

  for (guint i = 0; i < all->len; i++)
    {
      const VbUndo *undo = g_ptr_array_index (all, i);
      if (!g_hash_table_contains (vps, undo->vps))
        vb_undo_keeper_drop (self, undo->vps, TRUE);
    }
}

/* --- looking --- */

static void
look_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbUndoKeeper *self = source;
  GPtrArray *undos = data;
  GPtrArray *short_of_space = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < undos->len; i++)
    {
      const VbUndo *undo = g_ptr_array_index (undos, i);
      if (!vb_pool_has_room_for_kept (self->pool, undo))
        g_ptr_array_add (short_of_space, g_strdup (undo->operation));
    }
  g_task_return_pointer (task, short_of_space, (GDestroyNotify) g_ptr_array_unref);
}

static VbUndo *
find_operation (VbUndoKeeper *self, const char *operation)
{
  GHashTableIter iter;
  gpointer undo;

  g_hash_table_iter_init (&iter, self->kept);
  while (g_hash_table_iter_next (&iter, NULL, &undo))
    if (g_str_equal (((VbUndo *) undo)->operation, operation))
      return undo;
  return NULL;
}

/* The oldest ones go first, one at a look: the space of one may be enough. */
static void
looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbUndoKeeper *self = VB_UNDO_KEEPER (source);
  g_autoptr (GPtrArray) short_of_space = g_task_propagate_pointer (G_TASK (result), NULL);
  const VbUndo *oldest = NULL;

  self->looking = FALSE;
  for (guint i = 0; i < short_of_space->len; i++)
    {
      const VbUndo *undo = find_operation (self, g_ptr_array_index (short_of_space, i));
      if (undo != NULL && !g_hash_table_contains (self->held, undo->vps)
          && (oldest == NULL || g_date_time_compare (undo->restored_at, oldest->restored_at) < 0))
        oldest = undo;
    }
  if (oldest == NULL)
    return;
  vb_log_warning (oldest->vps, oldest->operation, oldest->backup,
                  "Space runs short: the restore cannot be undone any more");
  g_autofree char *vps = g_strdup (oldest->vps);
  vb_undo_keeper_drop (self, vps, FALSE);
  if (short_of_space->len > 1)
    vb_undo_keeper_look (self);
}

static void
drop_expired (VbUndoKeeper *self)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GPtrArray) all = list_kept (self);

  for (guint i = 0; i < all->len; i++)
    {
      const VbUndo *undo = g_ptr_array_index (all, i);
      if (g_date_time_compare (undo->until, now) <= 0)
        vb_undo_keeper_drop (self, undo->vps, FALSE);
    }
}

void
vb_undo_keeper_look (VbUndoKeeper *self)
{
  drop_expired (self);
  if (self->looking || g_hash_table_size (self->kept) == 0)
    return;
  self->looking = TRUE;
  g_autoptr (GTask) task = g_task_new (self, NULL, looked, NULL);
  g_task_set_task_data (task, list_kept (self), (GDestroyNotify) g_ptr_array_unref);
  vb_worker_run (self->worker, task, look_in_thread);
}

static gboolean
on_timer (gpointer data)
{
  VbUndoKeeper *self = data;

  delete_all (self);
  vb_undo_keeper_look (self);
  if (g_hash_table_size (self->kept) > 0 || self->doomed->len > 0)
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  return G_SOURCE_REMOVE;
}

static void
watch (VbUndoKeeper *self)
{
  if (self->timer == 0)
    self->timer = g_timeout_add_seconds (LOOK_EACH_S, on_timer, self);
}

/* --- keeping --- */

const VbUndo *
vb_undo_keeper_get (VbUndoKeeper *self, const char *vps)
{
  return g_hash_table_lookup (self->kept, vps);
}

/* @undo: (transfer full) */
static void
keep (VbUndoKeeper *self, VbUndo *undo)
{
  g_autofree char *key = NULL;
  VbUndo *before = NULL;

  if (g_hash_table_steal_extended (self->kept, undo->vps, (gpointer *) &key, (gpointer *) &before)
      && !g_str_equal (before->operation, undo->operation))
    doom (self, before, TRUE);
  else
    g_clear_pointer (&before, vb_undo_free);
  g_hash_table_replace (self->kept, g_strdup (undo->vps), undo);
  watch (self);
}

void
vb_undo_keeper_load (VbUndoKeeper *self, GPtrArray *undos)
{
  for (guint i = 0; i < undos->len; i++)
    keep (self, vb_undo_copy (g_ptr_array_index (undos, i)));
  delete_all (self);
}

void
vb_undo_keeper_add (VbUndoKeeper *self, const VbUndo *undo)
{
  keep (self, vb_undo_copy (undo));
  delete_all (self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, undo->vps);
}

void
vb_undo_keeper_forget (VbUndoKeeper *self, const char *vps)
{
  if (g_hash_table_remove (self->kept, vps))
    g_signal_emit (self, signals[SIGNAL_CHANGED], 0, vps);
}

void
vb_undo_keeper_hold (VbUndoKeeper *self, const char *vps)
{
  g_hash_table_add (self->held, g_strdup (vps));
}

void
vb_undo_keeper_release (VbUndoKeeper *self, const char *vps)
{
  g_hash_table_remove (self->held, vps);
}

void
vb_undo_keeper_stop (VbUndoKeeper *self)
{
  if (self->timer != 0)
    g_source_remove (self->timer);
  self->timer = 0;
}

/* --- lifecycle --- */

static void
vb_undo_keeper_finalize (GObject *object)
{
  VbUndoKeeper *self = VB_UNDO_KEEPER (object);

  vb_undo_keeper_stop (self);
  g_clear_pointer (&self->worker, vb_worker_free);
  g_hash_table_unref (self->kept);
  g_hash_table_unref (self->held);
  g_ptr_array_unref (self->doomed);
  g_clear_object (&self->pool);
  g_clear_object (&self->journal);
  G_OBJECT_CLASS (vb_undo_keeper_parent_class)->finalize (object);
}

static void
vb_undo_keeper_class_init (VbUndoKeeperClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_undo_keeper_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", VB_TYPE_UNDO_KEEPER, G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
vb_undo_keeper_init (VbUndoKeeper *self)
{
  self->kept
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) vb_undo_free);
  self->held = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->doomed = g_ptr_array_new_with_free_func (doomed_free);
  self->worker = vb_worker_new (MAX_THREADS);
}

VbUndoKeeper *
vb_undo_keeper_new (VbPool *pool, VbJournal *journal)
{
  VbUndoKeeper *self = g_object_new (VB_TYPE_UNDO_KEEPER, NULL);
  self->pool = g_object_ref (pool);
  self->journal = g_object_ref (journal);
  return self;
}
