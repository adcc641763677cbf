/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-delivery-queue.h"

#include "core/base/vb-log.h"
#include "core/base/vb-worker.h"

/* Asked for at a time; more than is sent at once, so that the journal is not asked for each. */
#define BATCH 64
#define PAUSE_FIRST_S 1
#define PAUSE_MAX_S 3600
#define LIFETIME_US (24 * G_TIME_SPAN_HOUR)
/* When the journal itself does not answer. */
#define JOURNAL_PAUSE_S 30
#define SLEEP_MAX_S 600

struct _VbDeliveryQueue
{
  GObject parent_instance;

  VbOutbox *outbox;
  VbChannelOps trade;
  gpointer user_data;
  VbWorker *worker;
  GCancellable *stopped;

  GHashTable *known; /* set of ids of deliveries that wait in the queue or are under way */
  GQueue queue;      /* VbDelivery */
  guint running;
  gboolean is_asking;
  gboolean ask_again;
  guint timer;
};

/* One delivery under way. */
typedef struct
{
  VbDeliveryQueue *courier;
  VbDelivery *delivery;
  gboolean brief;
  VbDeliveryOutcome verdict;
  gint64 until_us;
} Errand;

G_DEFINE_FINAL_TYPE (VbDeliveryQueue, vb_delivery_queue, G_TYPE_OBJECT)

static void pump (VbDeliveryQueue *self);
static void send_out (Errand *errand);

static gboolean
is_stopped (VbDeliveryQueue *self)
{
  return g_cancellable_is_cancelled (self->stopped);
}

/* ---- what is due ---- */

typedef struct
{
  guint limit;
  gint64 next_us;
} Question;

static void
ask_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbDeliveryQueue *self = source;
  Question *question = data;
  GError *error = NULL;
  GPtrArray *due = vb_outbox_list_due (self->outbox, self->trade.channel, g_get_real_time (),
                                       question->limit, &question->next_us, &error);

  if (due != NULL)
    g_task_return_pointer (task, due, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static gboolean
on_timer (gpointer user_data)
{
  VbDeliveryQueue *self = user_data;

  self->timer = 0;
  vb_delivery_queue_wake (self);
  return G_SOURCE_REMOVE;
}

static void
sleep_until (VbDeliveryQueue *self, gint64 us)
{
  /* The clock may be set meanwhile: never sleep for long. */
  gint64 pause_us = CLAMP (us - g_get_real_time (), 0, SLEEP_MAX_S * (gint64) G_USEC_PER_SEC);

  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add ((guint) (pause_us / 1000 + 1), on_timer, self);
}

/* Takes over what is not in our hands yet. */
static void
take (VbDeliveryQueue *self, GPtrArray *due)
{
  while (due->len > 0)
    {
      g_autoptr (VbDelivery) delivery = g_ptr_array_steal_index (due, 0);

      if (!g_hash_table_contains (self->known, &delivery->id))
        {
          g_hash_table_add (self->known, g_memdup2 (&delivery->id, sizeof delivery->id));
          g_queue_push_tail (&self->queue, g_steal_pointer (&delivery));
        }
    }
}

static void
on_asked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbDeliveryQueue *self = VB_DELIVERY_QUEUE (source);
  const Question *question = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) due = g_task_propagate_pointer (G_TASK (result), &error);

  self->is_asking = FALSE;
  if (is_stopped (self))
    return;
  if (due == NULL)
    {
      vb_log_warning (NULL, NULL, NULL, "Failed to read the outbox: %s", error->message);
      sleep_until (self, g_get_real_time () + JOURNAL_PAUSE_S * (gint64) G_USEC_PER_SEC);
      return;
    }

  take (self, due);
  if (question->next_us != 0)
    sleep_until (self, question->next_us);
  pump (self);
  if (self->ask_again)
    vb_delivery_queue_wake (self);
}

void
vb_delivery_queue_wake (VbDeliveryQueue *self)
{
  g_autoptr (GTask) task = NULL;
  Question *question;

  /* While some wait in the queue there is no need for more. */
  if (is_stopped (self) || !g_queue_is_empty (&self->queue))
    return;
  self->ask_again = self->is_asking;
  if (self->is_asking)
    return;

  self->is_asking = TRUE;
  question = g_new0 (Question, 1);
  /* Those under way are answered again, and must not hide others. */
  question->limit = BATCH + g_hash_table_size (self->known);
  task = g_task_new (self, NULL, on_asked, NULL);
  g_task_set_task_data (task, question, g_free);
  vb_worker_run (self->worker, task, ask_in_thread);
}

/* ---- what became of it ---- */

static void
errand_free (Errand *errand)
{
  vb_delivery_free (errand->delivery);
  g_object_unref (errand->courier);
  g_free (errand);
}

static void
record_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbDeliveryQueue *self = source;
  const Errand *errand = data;
  GError *error = NULL;
  gboolean ok;

  if (errand->verdict == VB_VERDICT_END)
    ok = vb_outbox_end_destination (self->outbox, errand->delivery, &error);
  else if (errand->verdict == VB_VERDICT_ARRIVED || errand->verdict == VB_VERDICT_GIVE_UP)
    ok = vb_outbox_close (self->outbox, errand->delivery, errand->verdict == VB_VERDICT_ARRIVED,
                          &error);
  else
    ok = vb_outbox_postpone (self->outbox, errand->delivery, errand->until_us,
                             errand->verdict == VB_VERDICT_HOLD, &error);

  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
forget (VbDeliveryQueue *self, gint64 id)
{
  self->running--;
  g_hash_table_remove (self->known, &id);
  if (is_stopped (self))
    return;
  pump (self);
  vb_delivery_queue_wake (self);
}

static void record (Errand *errand);

static gboolean
record_again (gpointer user_data)
{
  Errand *errand = user_data;

  if (is_stopped (errand->courier))
    errand_free (errand);
  else
    record (errand);
  return G_SOURCE_REMOVE;
}

static void
on_recorded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Errand *errand = user_data;
  g_autoptr (VbDeliveryQueue) self = g_object_ref (errand->courier);
  g_autoptr (GError) error = NULL;
  gint64 id = errand->delivery->id;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      errand_free (errand);
      forget (self, id);
      return;
    }
  /* As long as the journal does not know, it would be sent again at once. */
  vb_log_warning (errand->delivery->vps, NULL, NULL, "Failed to write the outbox, trying again: %s",
                  error->message);
  g_timeout_add_seconds (JOURNAL_PAUSE_S, record_again, errand);
}

static void
record (Errand *errand)
{
  g_autoptr (GTask) task = g_task_new (errand->courier, NULL, on_recorded, errand);

  g_task_set_task_data (task, errand, NULL);
  vb_worker_run (errand->courier->worker, task, record_in_thread);
}

static gint64
choose_pause_us (const Errand *errand, gint64 retry_after_s)
{
  const VbDelivery *delivery = errand->delivery;
  guint n
      = errand->verdict == VB_VERDICT_HOLD ? delivery->destination_failures : delivery->attempts;
  gint64 pause_s = MIN (PAUSE_FIRST_S << MIN (n, 16), PAUSE_MAX_S);

  /* Spread, so that what failed together does not come back together. */
  return (gint64) (MAX (pause_s, retry_after_s) * g_random_double_range (1, 1.2) * G_USEC_PER_SEC);
}

/* What waits in the queue for a destination that is held, or gone, goes back to the outbox. */
static void
put_back (VbDeliveryQueue *self, gint64 destination)
{
  for (GList *link = self->queue.head; link != NULL;)
    {
      GList *next = link->next;
      VbDelivery *delivery = link->data;

      if (delivery->destination == destination)
        {
          g_hash_table_remove (self->known, &delivery->id);
          vb_delivery_free (delivery);
          g_queue_delete_link (&self->queue, link);
        }
      link = next;
    }
}

static void
conclude (Errand *errand, gint64 retry_after_s, const char *what)
{
  const VbDelivery *delivery = errand->delivery;
  const char *channel = vb_channel_to_string (errand->courier->trade.channel);
  gint64 now_us = g_get_real_time ();
  gint64 age_us = now_us - g_date_time_to_unix (delivery->created_at) * G_USEC_PER_SEC;

  if ((errand->verdict == VB_VERDICT_RETRY || errand->verdict == VB_VERDICT_HOLD)
      && age_us >= LIFETIME_US)
    errand->verdict = VB_VERDICT_GIVE_UP;

  if (errand->verdict == VB_VERDICT_GIVE_UP)
    vb_log_warning (delivery->vps, NULL, NULL, "%s: gave up message %s: %s", channel, delivery->key,
                    what);
  else if (errand->verdict == VB_VERDICT_ARRIVED)
    vb_log_debug (delivery->vps, NULL, NULL, "%s: message %s has arrived", channel, delivery->key);
  else
    vb_log_info (delivery->vps, NULL, NULL, "%s: message %s, attempt %u: %s", channel,
                 delivery->key, delivery->attempts + 1, what);

  if (errand->verdict == VB_VERDICT_HOLD || errand->verdict == VB_VERDICT_END)
    put_back (errand->courier, delivery->destination);
  errand->until_us = now_us + choose_pause_us (errand, retry_after_s);
  record (errand);
}

/* ---- sending ---- */

static void
on_posted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Errand *errand = user_data;
  VbDeliveryQueue *self = errand->courier;
  g_autoptr (GError) error = NULL;
  gint64 retry_after_s;
  guint status = vb_outbound_request_finish (result, &retry_after_s, &error);
  g_autofree char *what = status != 0 ? g_strdup_printf ("status %u", status) : NULL;

  if (is_stopped (self))
    {
      errand_free (errand);
      return;
    }

  errand->verdict = self->trade.judge (status, errand->brief);
  if (errand->verdict == VB_VERDICT_SHORTEN)
    {
      errand->brief = TRUE;
      send_out (errand);
    }
  else
    conclude (errand, retry_after_s, what != NULL ? what : error->message);
}

static void
send_out (Errand *errand)
{
  VbDeliveryQueue *self = errand->courier;
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupMessage) message
      = self->trade.make (self->user_data, errand->delivery, errand->brief, &error);

  if (message != NULL)
    {
      vb_outbound_request_async (message, self->trade.reach, self->stopped, on_posted, errand);
      return;
    }
  errand->verdict = VB_VERDICT_GIVE_UP;
  conclude (errand, 0, error->message);
}

static void
pump (VbDeliveryQueue *self)
{
  while (!is_stopped (self) && self->running < self->trade.max_concurrent
         && !g_queue_is_empty (&self->queue))
    {
      Errand *errand = g_new0 (Errand, 1);

      errand->courier = g_object_ref (self);
      errand->delivery = g_queue_pop_head (&self->queue);
      self->running++;
      send_out (errand);
    }
}

/* ---- lifecycle ---- */

static void
vb_delivery_queue_dispose (GObject *object)
{
  vb_delivery_queue_stop (VB_DELIVERY_QUEUE (object));
  G_OBJECT_CLASS (vb_delivery_queue_parent_class)->dispose (object);
}

static void
vb_delivery_queue_finalize (GObject *object)
{
  VbDeliveryQueue *self = VB_DELIVERY_QUEUE (object);

  g_queue_clear_full (&self->queue, (GDestroyNotify) vb_delivery_free);
  g_hash_table_unref (self->known);
  g_clear_pointer (&self->worker, vb_worker_free);
  g_clear_object (&self->stopped);
  g_clear_object (&self->outbox);
  G_OBJECT_CLASS (vb_delivery_queue_parent_class)->finalize (object);
}

static void
vb_delivery_queue_class_init (VbDeliveryQueueClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_delivery_queue_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_delivery_queue_finalize;
}

static void
vb_delivery_queue_init (VbDeliveryQueue *self)
{
  self->known = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_queue_init (&self->queue);
  self->worker = vb_worker_new (1);
  self->stopped = g_cancellable_new ();
}

VbDeliveryQueue *
vb_delivery_queue_new (VbOutbox *outbox, const VbChannelOps *trade, gpointer user_data)
{
  VbDeliveryQueue *self = g_object_new (VB_TYPE_DELIVERY_QUEUE, NULL);

  self->outbox = g_object_ref (outbox);
  self->trade = *trade;
  self->user_data = user_data;
  return self;
}

void
vb_delivery_queue_stop (VbDeliveryQueue *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_cancellable_cancel (self->stopped);
}
