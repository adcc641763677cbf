/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-transfer.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

/* How often one that is paused looks whether it still is. */
#define PAUSE_US (100 * G_TIME_SPAN_MILLISECOND)

struct _VbTransfer
{
  GObject parent_instance;

  GCancellable *cancellable;
  guint64 bandwidth_limit;
  gboolean background;
  gint paused; /* atomic */

  GMutex mutex; /* protects the next eight: they are read and decided together */
  guint64 done;
  guint64 total;
  guint64 before;  /* moved in earlier phases */
  guint64 later;   /* expected of a further phase */
  guint64 pending; /* expected of this one, until its total is known */
  gboolean cancelled;
  gboolean suspended;
  gboolean closed;

  /* The copying thread's own. */
  VbTransferTick tick;
  gpointer tick_data;
  gint64 last_tick_us;
  gint64 window_start_us;
  guint64 window_bytes;
};

G_DEFINE_FINAL_TYPE (VbTransfer, vb_transfer, G_TYPE_OBJECT)

static void
vb_transfer_finalize (GObject *object)
{
  VbTransfer *self = VB_TRANSFER (object);

  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (vb_transfer_parent_class)->finalize (object);
}

static void
vb_transfer_class_init (VbTransferClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_transfer_finalize;
}

static void
vb_transfer_init (VbTransfer *self)
{
  g_mutex_init (&self->mutex);
}

VbTransfer *
vb_transfer_new (GCancellable *cancellable, guint64 bandwidth_limit_bytes_per_s)
{
  VbTransfer *self = g_object_new (VB_TYPE_TRANSFER, NULL);
  self->cancellable = cancellable ? g_object_ref (cancellable) : g_cancellable_new ();
  self->bandwidth_limit = bandwidth_limit_bytes_per_s;
  return self;
}

GCancellable *
vb_transfer_get_cancellable (VbTransfer *self)
{
  return self->cancellable;
}

static gboolean
stop (VbTransfer *self, gboolean *how)
{
  g_mutex_lock (&self->mutex);
  gboolean in_time = !self->closed && (!self->cancelled || how == &self->cancelled);
  if (in_time)
    *how = TRUE;
  g_mutex_unlock (&self->mutex);

  if (in_time)
    g_cancellable_cancel (self->cancellable);
  return in_time;
}

gboolean
vb_transfer_cancel (VbTransfer *self)
{
  return stop (self, &self->cancelled);
}

gboolean
vb_transfer_suspend (VbTransfer *self)
{
  return stop (self, &self->suspended);
}

gboolean
vb_transfer_is_cancelled (VbTransfer *self)
{
  g_mutex_lock (&self->mutex);
  gboolean cancelled = self->cancelled;
  g_mutex_unlock (&self->mutex);
  return cancelled;
}

/* Whoever cancels has the last word. */
gboolean
vb_transfer_is_suspended (VbTransfer *self)
{
  g_mutex_lock (&self->mutex);
  gboolean suspended = self->suspended && !self->cancelled;
  g_mutex_unlock (&self->mutex);
  return suspended;
}

gboolean
vb_transfer_close (VbTransfer *self)
{
  g_mutex_lock (&self->mutex);
  gboolean won = !self->cancelled && !self->suspended;
  self->closed = TRUE;
  g_mutex_unlock (&self->mutex);
  return won;
}

void
vb_transfer_set_background (VbTransfer *self)
{
  self->background = TRUE;
}

gboolean
vb_transfer_is_background (VbTransfer *self)
{
  return self->background;
}

void
vb_transfer_set_paused (VbTransfer *self, gboolean paused)
{
  g_atomic_int_set (&self->paused, paused);
}

guint64
vb_transfer_get_bandwidth_limit (VbTransfer *self)
{
  return self->bandwidth_limit;
}

void
vb_transfer_set_total (VbTransfer *self, guint64 bytes)
{
  g_mutex_lock (&self->mutex);
  self->total = bytes;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_set_done (VbTransfer *self, guint64 bytes)
{
  g_mutex_lock (&self->mutex);
  self->done = bytes;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_add (VbTransfer *self, guint64 bytes)
{
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&self->mutex);
  self->done += bytes;
  if (self->window_start_us == 0)
    self->window_start_us = now;
  self->window_bytes += bytes;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_restart (VbTransfer *self)
{
  g_mutex_lock (&self->mutex);
  self->done = 0;
  self->total = 0;
  self->window_start_us = 0;
  self->window_bytes = 0;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_get (VbTransfer *self, guint64 *done, guint64 *total)
{
  g_mutex_lock (&self->mutex);
  *done = self->before + self->done;
  *total = self->before + (self->total > 0 ? self->total : self->pending);
  if (*total > 0)
    *total += self->later;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_get_phase (VbTransfer *self, guint64 *done, guint64 *total)
{
  g_mutex_lock (&self->mutex);
  *done = self->done;
  *total = self->total;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_expect (VbTransfer *self, guint64 later_bytes)
{
  g_mutex_lock (&self->mutex);
  self->later = later_bytes;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_next_phase (VbTransfer *self)
{
  g_mutex_lock (&self->mutex);
  self->before += self->total;
  self->pending = self->later;
  self->later = 0;
  self->done = 0;
  self->total = 0;
  self->closed = FALSE;
  self->window_start_us = 0;
  self->window_bytes = 0;
  g_mutex_unlock (&self->mutex);
}

void
vb_transfer_set_tick (VbTransfer *self, VbTransferTick tick, gpointer user_data)
{
  self->tick = tick;
  self->tick_data = user_data;
}

gboolean
vb_transfer_check (VbTransfer *self, GError **error)
{
  if (g_cancellable_is_cancelled (self->cancellable))
    {
      vb_error_set_public (error, vb_transfer_is_suspended (self) ? VB_ERROR_INTERRUPTED
                                                                  : VB_ERROR_CANCELLED);
      return FALSE;
    }

  gint64 now = g_get_monotonic_time ();
  if (self->tick == NULL || now - self->last_tick_us < G_USEC_PER_SEC)
    return TRUE;
  self->last_tick_us = now;
  return self->tick (self->tick_data, error);
}

gint64
vb_transfer_throttle_us (VbTransfer *self)
{
  if (g_atomic_int_get (&self->paused))
    return PAUSE_US;
  if (self->bandwidth_limit == 0)
    return 0;

  g_mutex_lock (&self->mutex);
  guint64 bytes = self->window_bytes;
  gint64 start = self->window_start_us;
  g_mutex_unlock (&self->mutex);
  if (start == 0)
    return 0;

  gint64 now = g_get_monotonic_time ();
  gint64 due = start + (gint64) ((double) bytes / (double) self->bandwidth_limit * G_USEC_PER_SEC);
  if (due > now)
    return due - now;

  /* A pause must not be saved up and spent as a burst later: begin a new window once we are
   * behind. */
  if (now - due > G_USEC_PER_SEC)
    {
      g_mutex_lock (&self->mutex);
      self->window_start_us = now;
      self->window_bytes = 0;
      g_mutex_unlock (&self->mutex);
    }
  return 0;
}
