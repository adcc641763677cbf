/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-connection.h"

#include <signal.h>

#include "vb-libvirt-events.h"
#include "core/base/vb-log.h"

/* A connection that is silent for INTERVAL × COUNT seconds is dead. */
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 4

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 15000

struct _VbLibvirtConnection
{
  GObject parent_instance;

  char *uri;
  VbConnectionPool *gate;
  virConnectPtr connection;
  VbLibvirtEvents *events;
  guint watch; /* in @watches, while @connection is there */
  gboolean started;
  gboolean is_open;
  gboolean complained;
  guint attempts;
  guint retry_source;
  guint pause_ms;
};

/* One opening: what the opening thread hands to the main context, and a broken connection to the
 * closing thread. */
typedef struct
{
  VbLibvirtConnection *owner;
  guint number;
  virConnectPtr connection; /* for the events, and to notice when the daemon goes away */
  VbLibvirtEvents *events;
  GPtrArray *workers; /* of virConnectPtr: for the pool */
  guint watch;        /* in @watches, 0: none */
  GError *error;
} Attempt;

/* What libvirt's callbacks hold of an opening, and free when they like. */
typedef struct
{
  GWeakRef owner;
  guint number;
} Target;

enum
{
  SIGNAL_OPENED,
  SIGNAL_CLOSED,
  SIGNAL_EVENT,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* What close callbacks are given is a number in this table (of Target): a driver without close
 * callbacks, like libvirt's test driver, takes one and never frees what came with it. */
static GMutex watches_mutex;
static GHashTable *watches;
static guint last_watch;

G_DEFINE_FINAL_TYPE (VbLibvirtConnection, vb_libvirt_connection, G_TYPE_OBJECT)

static void open_later (VbLibvirtConnection *self, guint pause_ms);

static Attempt *
attempt_new (VbLibvirtConnection *owner, guint number)
{
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->owner = g_object_ref (owner);
  attempt->number = number;
  return attempt;
}

static void
attempt_free (gpointer data)
{
  Attempt *attempt = data;

  g_clear_error (&attempt->error);
  g_object_unref (attempt->owner);
  g_free (attempt);
}

static Target *
target_new (const Attempt *attempt)
{
  Target *target = g_new0 (Target, 1);

  g_weak_ref_init (&target->owner, attempt->owner);
  target->number = attempt->number;
  return target;
}

static void
target_free (gpointer data)
{
  Target *target = data;

  g_weak_ref_clear (&target->owner);
  g_free (target);
}

static guint
add_watch (const Attempt *attempt)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&watches_mutex);

  if (watches == NULL)
    watches = g_hash_table_new_full (NULL, NULL, NULL, target_free);
  g_hash_table_insert (watches, GUINT_TO_POINTER (++last_watch), target_new (attempt));
  return last_watch;
}

static void
remove_watch (guint watch)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&watches_mutex);

  if (watch != 0)
    g_hash_table_remove (watches, GUINT_TO_POINTER (watch));
  if (watches != NULL && g_hash_table_size (watches) == 0)
    g_clear_pointer (&watches, g_hash_table_unref);
}

/* Returns: (transfer full) (nullable): the connection that has the watch; @number: of its
 * opening */
static VbLibvirtConnection *
find_watch (guint watch, guint *number)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&watches_mutex);
  Target *target = watches != NULL ? g_hash_table_lookup (watches, GUINT_TO_POINTER (watch)) : NULL;

  if (target == NULL)
    return NULL;
  *number = target->number;
  return g_weak_ref_get (&target->owner);
}

static gpointer
close_thread (gpointer data)
{
  Attempt *attempt = data;

  remove_watch (attempt->watch);

  /* The order matters: a connection with events registered is never freed. */
  vb_libvirt_events_free (attempt->events);
  virConnectClose (attempt->connection);
  g_clear_pointer (&attempt->workers, g_ptr_array_unref);
  attempt_free (attempt);
  return NULL;
}

static gboolean
try_close (gpointer data)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new ("vb-libvirt-close", close_thread, data, &error);

  if (thread != NULL)
    g_thread_unref (thread);
  else
    {
      vb_log_warning (NULL, NULL, NULL, "Failed to close the old connection, trying again: %s",
                      error->message);
      g_timeout_add (LONGEST_PAUSE_MS, try_close, data);
    }
  return G_SOURCE_REMOVE;
}

/* Takes all of them over. Closing may wait for the daemon, so it happens elsewhere. */
static void
close_in_thread (VbLibvirtConnection *self,
                 virConnectPtr connection,
                 VbLibvirtEvents *events,
                 GPtrArray *workers,
                 guint watch)
{
  Attempt *attempt = attempt_new (self, 0);

  attempt->watch = watch;
  attempt->connection = connection;
  attempt->events = events;
  attempt->workers = workers;
  try_close (attempt);
}

static void
drop (VbLibvirtConnection *self)
{
  GPtrArray *workers = vb_connection_pool_close (self->gate);
  virConnectPtr connection = g_steal_pointer (&self->connection);

  self->is_open = FALSE;
  if (connection != NULL)
    close_in_thread (self, connection, g_steal_pointer (&self->events), workers, self->watch);
}

static void
lose (VbLibvirtConnection *self)
{
  vb_log_warning (NULL, NULL, NULL, "The connection to the hypervisor is lost; connecting again");
  drop (self);
  g_signal_emit (self, signals[SIGNAL_CLOSED], 0);
  open_later (self, FIRST_PAUSE_MS);
}

static gboolean
on_closed_idle (gpointer data)
{
  Attempt *attempt = data;

  if (attempt->owner->is_open && attempt->number == attempt->owner->attempts)
    lose (attempt->owner);
  return G_SOURCE_REMOVE;
}

/* One of the others has died: in a moment this one may notice it as well, or never. */
static gboolean
on_broken_idle (gpointer data)
{
  Attempt *attempt = data;
  VbLibvirtConnection *self = attempt->owner;

  if (self->is_open && attempt->number == vb_connection_pool_get_generation (self->gate))
    lose (self);
  return G_SOURCE_REMOVE;
}

static void
on_broken (guint generation, gpointer user_data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, on_broken_idle, attempt_new (user_data, generation),
                   attempt_free);
}

/* May run in any thread, even in the midst of a call of ours: only posts. */
static void
on_closed (virConnectPtr connection, int reason, void *opaque)
{
  guint number = 0;
  g_autoptr (VbLibvirtConnection) self = find_watch (GPOINTER_TO_UINT (opaque), &number);

  if (self != NULL)
    g_idle_add_full (G_PRIORITY_DEFAULT, on_closed_idle, attempt_new (self, number), attempt_free);
}

static void
on_event (VbLibvirtEvent event, const char *vps, gpointer user_data)
{
  Target *target = user_data;
  g_autoptr (VbLibvirtConnection) self = g_weak_ref_get (&target->owner);

  /* Events of a connection that was given up are of no interest: the next one begins with a full
   * list. */
  if (self != NULL && self->is_open && self->attempts == target->number)
    g_signal_emit (self, signals[SIGNAL_EVENT], 0, (int) event, vps);
}

/* Per connection: the process-wide handler belongs to the host manager. The error itself reaches
 * the caller. */
static void
ignore_error (void *user_data, virErrorPtr error)
{
}

static virConnectPtr
open_one (Attempt *attempt)
{
  virConnectPtr connection = virConnectOpen (attempt->owner->uri);

  if (connection == NULL)
    {
      vb_libvirt_set_error (&attempt->error, "Failed to connect to the hypervisor at %s",
                            attempt->owner->uri);
      return NULL;
    }
  virConnSetErrorFunc (connection, NULL, ignore_error);
  virConnectSetKeepAlive (connection, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
  return connection;
}

static void
close_one (gpointer connection)
{
  virConnectClose (connection);
}

static gboolean
open_workers (Attempt *attempt)
{
  attempt->workers = g_ptr_array_new_with_free_func (close_one);
  for (guint i = 0; i < VB_CONNECTION_POOL_SIZE; i++)
    {
      virConnectPtr connection = open_one (attempt);
      if (connection == NULL)
        return FALSE;
      g_ptr_array_add (attempt->workers, connection);
    }
  return TRUE;
}

static gboolean
prepare (Attempt *attempt)
{
  attempt->watch = add_watch (attempt);
  virConnectRegisterCloseCallback (attempt->connection, on_closed,
                                   GUINT_TO_POINTER (attempt->watch), NULL);
  attempt->events = vb_libvirt_events_new (attempt->connection, on_event, target_new (attempt),
                                           target_free, &attempt->error);
  return attempt->events != NULL;
}

static void
try_again (VbLibvirtConnection *self, const GError *error)
{
  if (!self->complained)
    vb_log_warning (NULL, NULL, NULL, "%s", error->message);
  self->complained = TRUE;
  open_later (self, MIN (self->pause_ms * 2, LONGEST_PAUSE_MS));
}

static gboolean
on_attempted (gpointer data)
{
  Attempt *attempt = data;
  VbLibvirtConnection *self = attempt->owner;

  if (vb_connection_pool_is_stopped (self->gate))
    {
      if (attempt->error == NULL)
        close_in_thread (self, attempt->connection, attempt->events,
                         g_steal_pointer (&attempt->workers), attempt->watch);
      return G_SOURCE_REMOVE;
    }
  if (attempt->error != NULL)
    {
      try_again (self, attempt->error);
      return G_SOURCE_REMOVE;
    }
  self->complained = FALSE;
  self->is_open = TRUE;
  self->events = attempt->events;
  self->connection = attempt->connection;
  self->watch = attempt->watch;
  vb_connection_pool_open (self->gate, g_steal_pointer (&attempt->workers));
  vb_log_info (NULL, NULL, NULL, "Connected to the hypervisor");
  g_signal_emit (self, signals[SIGNAL_OPENED], 0);
  /* Its close callback may have come before anybody knew of it. */
  if (self->is_open && virConnectIsAlive (attempt->connection) == 0)
    lose (self);
  return G_SOURCE_REMOVE;
}

static gpointer
open_thread (gpointer data)
{
  Attempt *attempt = data;

  attempt->connection = open_one (attempt);
  if (attempt->connection != NULL && (!prepare (attempt) || !open_workers (attempt)))
    {
      g_clear_pointer (&attempt->workers, g_ptr_array_unref);
      vb_libvirt_events_free (attempt->events);
      remove_watch (attempt->watch);
      virConnectClose (attempt->connection);
    }
  g_idle_add_full (G_PRIORITY_DEFAULT, on_attempted, attempt, attempt_free);
  return NULL;
}

static gboolean
open_now (gpointer data)
{
  VbLibvirtConnection *self = data;

  self->retry_source = 0;
  self->attempts++;
  Attempt *attempt = attempt_new (self, self->attempts);
  GThread *thread = g_thread_try_new ("vb-libvirt-open", open_thread, attempt, &attempt->error);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    {
      try_again (self, attempt->error);
      attempt_free (attempt);
    }
  return G_SOURCE_REMOVE;
}

static void
open_later (VbLibvirtConnection *self, guint pause_ms)
{
  self->pause_ms = pause_ms;
  g_clear_handle_id (&self->retry_source, g_source_remove);
  self->retry_source = g_timeout_add (pause_ms, open_now, self);
}

/* libvirt writes to a daemon that has gone away, and the default is that the process dies of it.
 * GIO's sockets ignore the signal for the whole process as well, so the host manager cannot rely on
 * it; a handler of its own stays. */
static void
survive_broken_pipes (void)
{
  struct sigaction action;

  if (sigaction (SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
    signal (SIGPIPE, SIG_IGN);
}

static void
vb_libvirt_connection_finalize (GObject *object)
{
  VbLibvirtConnection *self = VB_LIBVIRT_CONNECTION (object);

  g_clear_handle_id (&self->retry_source, g_source_remove);
  vb_connection_pool_set_broken (self->gate, NULL, NULL);
  vb_connection_pool_unref (self->gate);
  g_free (self->uri);
  G_OBJECT_CLASS (vb_libvirt_connection_parent_class)->finalize (object);
}

static void
vb_libvirt_connection_class_init (VbLibvirtConnectionClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = vb_libvirt_connection_finalize;
  signals[SIGNAL_OPENED]
      = g_signal_new ("opened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_CLOSED]
      = g_signal_new ("closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_EVENT] = g_signal_new ("event", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_STRING);
}

static void
vb_libvirt_connection_init (VbLibvirtConnection *self)
{
  self->gate = vb_connection_pool_new ();
  vb_connection_pool_set_broken (self->gate, on_broken, self);
}

VbLibvirtConnection *
vb_libvirt_connection_new (const char *uri)
{
  VbLibvirtConnection *self = g_object_new (VB_TYPE_LIBVIRT_CONNECTION, NULL);

  self->uri = g_strdup (uri);
  return self;
}

void
vb_libvirt_connection_start (VbLibvirtConnection *self)
{
  if (self->started)
    return;
  self->started = TRUE;
  self->pause_ms = FIRST_PAUSE_MS;
  survive_broken_pipes ();
  vb_libvirt_events_ensure_loop ();
  open_now (self);
}

void
vb_libvirt_connection_stop (VbLibvirtConnection *self)
{
  vb_connection_pool_stop (self->gate);
  vb_connection_pool_set_broken (self->gate, NULL, NULL);
  g_clear_handle_id (&self->retry_source, g_source_remove);
  drop (self);
}

VbConnectionPool *
vb_libvirt_connection_get_gate (VbLibvirtConnection *self)
{
  return self->gate;
}
