/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-progress.h"

#include <math.h>

/* Rate over a bounded window of samples: young enough to follow a change, old enough not to
 * flicker. */
#define N_SAMPLES 20
#define SAMPLE_GAP_US (G_USEC_PER_SEC / 4)

typedef struct
{
  gint64 time_us;
  guint64 done;
} Sample;

struct _VbProgress
{
  GObject parent_instance;

  gint64 stall_timeout_us;
  gint64 last_move_us;
  guint64 done;
  guint64 total;
  double percent;
  gboolean complete;

  Sample samples[N_SAMPLES];
  guint n_samples; /* all ever taken; the newest is at (n_samples - 1) % N_SAMPLES */
};

G_DEFINE_FINAL_TYPE (VbProgress, vb_progress, G_TYPE_OBJECT)

static void
vb_progress_class_init (VbProgressClass *klass)
{
}

static void
vb_progress_init (VbProgress *self)
{
}

VbProgress *
vb_progress_new (gint64 stall_timeout_us, gint64 now_us)
{
  VbProgress *self = g_object_new (VB_TYPE_PROGRESS, NULL);
  self->stall_timeout_us = stall_timeout_us;
  self->last_move_us = now_us;
  return self;
}

static Sample *
newest_sample (VbProgress *self)
{
  return self->n_samples == 0 ? NULL : &self->samples[(self->n_samples - 1) % N_SAMPLES];
}

static void
take_sample (VbProgress *self, gint64 now_us)
{
  Sample *newest = newest_sample (self);
  if (newest != NULL && now_us - newest->time_us < SAMPLE_GAP_US)
    return;
  self->samples[self->n_samples % N_SAMPLES] = (Sample){ now_us, self->done };
  self->n_samples++;
}

double
vb_progress_percent_of (guint64 done, guint64 total)
{
  /* 100 belongs to "completed" alone: all bytes copied is not yet all done. */
  return total > 0 ? floor ((double) MIN (done, total) / (double) total * 990.0) / 10.0 : 0;
}

gboolean
vb_progress_update (VbProgress *self, guint64 done, guint64 total, gint64 now_us)
{
  gboolean changed = done != self->done || total != self->total;

  if (done < self->done)
    self->n_samples = 0; /* a capture that began anew: the old rate says nothing */
  /* Less than before is no progress: something began anew, or goes on from where it was durable. */
  if (done > self->done)
    self->last_move_us = now_us;
  self->done = done;
  self->total = total;
  take_sample (self, now_us);

  if (!self->complete)
    self->percent = MAX (self->percent, vb_progress_percent_of (done, total));
  return changed;
}

void
vb_progress_touch (VbProgress *self, gint64 now_us)
{
  self->last_move_us = now_us;
}

void
vb_progress_restore (VbProgress *self, double percent, guint64 done, guint64 total, gint64 still_us)
{
  self->last_move_us -= still_us;
  self->percent = percent;
  self->done = done;
  self->total = total;
}

void
vb_progress_complete (VbProgress *self)
{
  self->complete = TRUE;
  self->percent = 100.0;
}

double
vb_progress_get_percent (VbProgress *self)
{
  return self->percent;
}

guint64
vb_progress_get_done (VbProgress *self)
{
  return self->done;
}

guint64
vb_progress_get_total (VbProgress *self)
{
  return self->total;
}

guint64
vb_progress_get_rate (VbProgress *self, gint64 now_us)
{
  if (self->n_samples == 0 || self->complete)
    return 0;
  const Sample *oldest
      = &self->samples[self->n_samples > N_SAMPLES ? self->n_samples % N_SAMPLES : 0];
  gint64 elapsed_us = now_us - oldest->time_us;
  if (elapsed_us <= 0 || self->done <= oldest->done)
    return 0;
  return (guint64) ((double) (self->done - oldest->done) / (double) elapsed_us * G_USEC_PER_SEC);
}

gint64
vb_progress_get_eta_s (VbProgress *self, gint64 now_us)
{
  guint64 rate = vb_progress_get_rate (self, now_us);
  if (rate == 0 || self->total == 0 || self->done > self->total)
    return -1;
  return (gint64) ceil ((double) (self->total - self->done) / (double) rate);
}

gint64
vb_progress_get_still_us (VbProgress *self, gint64 now_us)
{
  return MAX (now_us - self->last_move_us, 0);
}

gboolean
vb_progress_is_stalled (VbProgress *self, gint64 now_us)
{
  return !self->complete && self->stall_timeout_us > 0
         && vb_progress_get_still_us (self, now_us) >= self->stall_timeout_us;
}
