/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another host that is not vps-backupd, of the kind that a panel's node agent is: it owns the
 * process's one poll(), gives libvirt an event implementation of its own, drives GLib's default
 * main context from that same poll(), writes the module's config itself, and follows the VPSs
 * through signals, without a websocket. Usage: event-host MODULE FOLDER It suspends the VPS of
 * libvirt's test driver, waits until the module tells it so, resumes it, and stops. */
#include <gmodule.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vps-backup-module.h"

#define MAX_POLLED 64
#define DEADLINE_US (60 * G_TIME_SPAN_SECOND)
#define TEST_URI "test:///default"

/* ---- libvirt's events: handles and timers in one table ---- */

typedef struct
{
  int id;
  int descriptor; /* -1: a timer */
  int events;     /* of libvirt */
  int interval_ms;
  gint64 due_us;
  virEventHandleCallback on_handle;
  virEventTimeoutCallback on_timeout;
  void *opaque;
  virFreeCallback free_opaque;
} Watch;

static GMutex mutex; /* libvirt adds and removes from any thread */
static GPtrArray *watches;
static int last_id;
static guint dispatched;

static Watch *
find (int id)
{
  for (guint i = 0; i < watches->len; i++)
    if (((Watch *) g_ptr_array_index (watches, i))->id == id)
      return g_ptr_array_index (watches, i);
  return NULL;
}

static int
add (Watch *watch)
{
  g_mutex_lock (&mutex);
  watch->id = ++last_id;
  g_ptr_array_add (watches, watch);
  g_mutex_unlock (&mutex);
  g_main_context_wakeup (NULL); /* poll() has to see it */
  return watch->id;
}

/* The opaque is freed from the loop, never from inside remove: libvirt may hold locks there. */
static gboolean
free_watch (gpointer data)
{
  Watch *watch = data;

  if (watch->free_opaque != NULL)
    watch->free_opaque (watch->opaque);
  g_free (watch);
  return G_SOURCE_REMOVE;
}

static int
remove_watch (int id)
{
  Watch *watch;

  g_mutex_lock (&mutex);
  watch = find (id);
  if (watch != NULL)
    g_ptr_array_remove (watches, watch);
  g_mutex_unlock (&mutex);
  if (watch == NULL)
    return -1;
  g_idle_add (free_watch, watch);
  return 0;
}

static int
add_handle (int descriptor,
            int events,
            virEventHandleCallback callback,
            void *opaque,
            virFreeCallback free_opaque)
{
  Watch *watch = g_new0 (Watch, 1);

  watch->descriptor = descriptor;
  watch->events = events;
  watch->interval_ms = -1;
  watch->on_handle = callback;
  watch->opaque = opaque;
  watch->free_opaque = free_opaque;
  return add (watch);
}

static void
update_handle (int id, int events)
{
  Watch *watch;

  g_mutex_lock (&mutex);
  watch = find (id);
  if (watch != NULL)
    watch->events = events;
  g_mutex_unlock (&mutex);
  g_main_context_wakeup (NULL);
}

static int
add_timeout (int interval_ms,
             virEventTimeoutCallback callback,
             void *opaque,
             virFreeCallback free_opaque)
{
  Watch *watch = g_new0 (Watch, 1);

  watch->descriptor = -1;
  watch->interval_ms = interval_ms;
  watch->due_us = g_get_monotonic_time () + interval_ms * G_TIME_SPAN_MILLISECOND;
  watch->on_timeout = callback;
  watch->opaque = opaque;
  watch->free_opaque = free_opaque;
  return add (watch);
}

static void
update_timeout (int id, int interval_ms)
{
  Watch *watch;

  g_mutex_lock (&mutex);
  watch = find (id);
  if (watch != NULL)
    {
      watch->interval_ms = interval_ms;
      watch->due_us = g_get_monotonic_time () + interval_ms * G_TIME_SPAN_MILLISECOND;
    }
  g_mutex_unlock (&mutex);
  g_main_context_wakeup (NULL);
}

/* ---- the one poll() ---- */

static guint
collect (struct pollfd *polled, int *ids, guint room, gint64 *due_us)
{
  guint count = 0;

  g_mutex_lock (&mutex);
  for (guint i = 0; i < watches->len; i++)
    {
      Watch *watch = g_ptr_array_index (watches, i);

      if (watch->descriptor >= 0 && watch->events != 0 && count < room)
        {
          ids[count] = watch->id;
          polled[count++] = (struct pollfd){
            .fd = watch->descriptor,
            .events = (watch->events & VIR_EVENT_HANDLE_READABLE ? POLLIN : 0)
                      | (watch->events & VIR_EVENT_HANDLE_WRITABLE ? POLLOUT : 0),
          };
        }
      else if (watch->descriptor < 0 && watch->interval_ms >= 0)
        *due_us = MIN (*due_us, watch->due_us);
    }
  g_mutex_unlock (&mutex);
  return count;
}

static int
to_libvirt (short happened)
{
  return (happened & POLLIN ? VIR_EVENT_HANDLE_READABLE : 0)
         | (happened & POLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0)
         | (happened & POLLERR ? VIR_EVENT_HANDLE_ERROR : 0)
         | (happened & POLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
}

/* @happened: events of its descriptor, or 0 for a timer that is due */
static void
dispatch_one (int id, short happened)
{
  Watch copy = { 0 };
  Watch *watch;

  g_mutex_lock (&mutex);
  watch = find (id);
  if (watch != NULL)
    {
      watch->due_us = g_get_monotonic_time () + watch->interval_ms * G_TIME_SPAN_MILLISECOND;
      copy = *watch;
    }
  g_mutex_unlock (&mutex);
  if (watch == NULL)
    return;
  dispatched++;
  if (copy.on_handle != NULL)
    copy.on_handle (id, copy.descriptor, to_libvirt (happened), copy.opaque);
  else
    copy.on_timeout (id, copy.opaque);
}

static void
dispatch_timers (void)
{
  const gint64 now_us = g_get_monotonic_time ();
  g_autoptr (GArray) due = g_array_new (FALSE, FALSE, sizeof (int));

  g_mutex_lock (&mutex);
  for (guint i = 0; i < watches->len; i++)
    {
      Watch *watch = g_ptr_array_index (watches, i);

      if (watch->descriptor < 0 && watch->interval_ms >= 0 && watch->due_us <= now_us)
        g_array_append_val (due, watch->id);
    }
  g_mutex_unlock (&mutex);
  for (guint i = 0; i < due->len; i++)
    dispatch_one (g_array_index (due, int, i), 0);
}

static int
get_wait_ms (int glib_ms, gint64 due_us)
{
  const gint64 left_us = due_us - g_get_monotonic_time ();
  const int own_ms = left_us <= 0 ? 0 : (int) (left_us / G_TIME_SPAN_MILLISECOND) + 1;

  return glib_ms < 0 ? own_ms : MIN (glib_ms, own_ms);
}

static void
iterate (void)
{
  GMainContext *context = g_main_context_default ();
  GPollFD glib_polled[MAX_POLLED];
  struct pollfd polled[2 * MAX_POLLED];
  int ids[MAX_POLLED];
  gint64 due_us = g_get_monotonic_time () + G_USEC_PER_SEC;
  int priority, glib_ms, n_glib;
  guint n_own;

  g_main_context_prepare (context, &priority);
  n_glib = g_main_context_query (context, priority, &glib_ms, glib_polled, MAX_POLLED);
  g_assert (n_glib <= MAX_POLLED);
  for (int i = 0; i < n_glib; i++)
    polled[i] = (struct pollfd){ .fd = glib_polled[i].fd, .events = glib_polled[i].events };
  n_own = collect (polled + n_glib, ids, MAX_POLLED, &due_us);

  poll (polled, n_glib + n_own, get_wait_ms (glib_ms, due_us));

  for (int i = 0; i < n_glib; i++)
    glib_polled[i].revents = polled[i].revents;
  if (g_main_context_check (context, priority, glib_polled, n_glib))
    g_main_context_dispatch (context);
  for (guint i = 0; i < n_own; i++)
    if (polled[n_glib + i].revents != 0)
      dispatch_one (ids[i], polled[n_glib + i].revents);
  dispatch_timers ();
}

/* ---- the host ---- */

typedef struct
{
  char *power; /* of the VPS, as it was told last */
  GAsyncResult *answer;
} Host;

static void
on_vps_changed (GObject *service, const char *vps, GVariant *state, gpointer user_data)
{
  Host *host = user_data;
  g_autoptr (GVariant) slots = g_variant_lookup_value (state, "slots", G_VARIANT_TYPE_VARDICT);
  const char *name, *power;
  gint64 total;

  if (!g_variant_lookup (state, "name", "&s", &name)
      || !g_variant_lookup (state, "power", "&s", &power) || slots == NULL
      || !g_variant_lookup (slots, "total", "x", &total))
    {
      printf ("unexpected: %s\n", g_variant_get_type_string (state));
      return;
    }
  printf ("vps-changed: %s is %s, %d slots\n", name, power, (int) total);
  g_free (host->power);
  host->power = g_strdup (power);
}

static void
on_answer (GObject *service, GAsyncResult *result, gpointer user_data)
{
  ((Host *) user_data)->answer = g_object_ref (result);
}

/* @power: (nullable): wait for that; NULL: for an answer */
static void
run_until (Host *host, const char *power)
{
  const gint64 end_us = g_get_monotonic_time () + DEADLINE_US;

  while (power != NULL ? g_strcmp0 (host->power, power) != 0 : host->answer == NULL)
    {
      if (g_get_monotonic_time () > end_us)
        {
          fprintf (stderr, "%s never came\n", power != NULL ? power : "an answer");
          exit (EXIT_FAILURE);
        }
      iterate ();
    }
}

static const VpsBackupModule *
load (const char *path, GError **error)
{
  gpointer symbol = NULL;
  GModule *library;

  if (!vps_backup_module_check_process (error))
    return NULL;
  library = g_module_open (path, G_MODULE_BIND_LOCAL);
  if (library != NULL)
    g_module_symbol (library, VPS_BACKUP_MODULE_SYMBOL, &symbol);
  if (!vps_backup_module_check (symbol, error))
    return NULL;
  g_module_make_resident (library);
  return symbol;
}

static char *
write_config (const char *folder)
{
  g_autofree char *text = g_strdup_printf ("[host]\nstate-dir=%s/state\n[libvirt]\nuri=" TEST_URI
                                           "\n[pool]\npath=%s/pool\n[bridge]\nsocket=\nlisten=\n",
                                           folder, folder);
  char *path = g_build_filename (folder, "agent.conf", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static gboolean
follow (const VpsBackupModule *module, GObject *service, Host *host, GError **error)
{
  virConnectPtr connection;
  virDomainPtr domain;

  module->start_async (service, on_answer, host);
  run_until (host, NULL);
  if (!module->start_finish (service, host->answer, error))
    return FALSE;
  g_clear_object (&host->answer);
  run_until (host, "running");

  /* In one process the test driver's VPSs are the same for all connections. */
  connection = virConnectOpen (TEST_URI);
  domain = virDomainLookupByName (connection, "test");
  g_assert_cmpint (virDomainSuspend (domain), ==, 0);
  run_until (host, "paused");
  g_assert_cmpint (virDomainResume (domain), ==, 0);
  run_until (host, "running");
  virDomainFree (domain);
  virConnectClose (connection);

  module->stop_async (service, on_answer, host);
  run_until (host, NULL);
  return module->stop_finish (service, host->answer, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = NULL;
  const VpsBackupModule *module;
  GObject *service = NULL;
  Host host = { 0 };

  g_assert_cmpint (argc, ==, 3);
  setvbuf (stdout, NULL, _IOLBF, 0);
  watches = g_ptr_array_new ();
  virEventRegisterImpl (add_handle, update_handle, remove_watch, add_timeout, update_timeout,
                        remove_watch);
  g_assert_true (g_main_context_acquire (NULL));
  module = load (argv[1], &error);
  config = write_config (argv[2]);
  if (module != NULL)
    service = module->create (config, &error);
  if (service != NULL)
    g_signal_connect (service, "vps-changed", G_CALLBACK (on_vps_changed), &host);
  if (service == NULL || !follow (module, service, &host, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return EXIT_FAILURE;
    }
  printf ("libvirt's events came through this loop: %s\n", dispatched > 0 ? "yes" : "no");
  g_object_unref (service);
  g_clear_object (&host.answer);
  g_free (host.power);
  return EXIT_SUCCESS;
}
