/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-metrics.h"

#include "vb-histogram.h"

#define N_KINDS (VB_OPERATION_UNDO + 1)
#define N_STATES (VB_OPERATION_CANCELLED + 1)

/* Seconds: from an incremental backup of a small VPS to a full one of a very large one. */
#define DURATION_BOUNDS                                                                            \
  {                                                                                                \
    1, 5, 15, 60, 300, 900, 3600, 14400, 43200                                                     \
  }

struct _VbMetrics
{
  GObject parent_instance;

  VbManager *manager;
  GHashTable *running; /* UUID of a VPS → VbOperation last seen on it */
  GDateTime *since;
  guint64 ended[N_KINDS][N_STATES];
  guint64 bytes[N_KINDS];
  VbHistogram durations[N_KINDS];
  guint64 stalls;
  guint64 recoveries;
};

G_DEFINE_FINAL_TYPE (VbMetrics, vb_metrics, G_TYPE_OBJECT)

static void
vb_metrics_dispose (GObject *object)
{
  VbMetrics *self = VB_METRICS (object);

  if (self->manager != NULL)
    g_signal_handlers_disconnect_by_data (self->manager, self);
  g_clear_object (&self->manager);
  g_clear_pointer (&self->running, g_hash_table_unref);
  g_clear_pointer (&self->since, g_date_time_unref);
  G_OBJECT_CLASS (vb_metrics_parent_class)->dispose (object);
}

static void
vb_metrics_class_init (VbMetricsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_metrics_dispose;
}

static void
vb_metrics_init (VbMetrics *self)
{
  const VbHistogram durations = { .bounds = DURATION_BOUNDS };

  self->running = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->since = g_date_time_new_now_utc ();
  for (guint i = 0; i < N_KINDS; i++)
    self->durations[i] = durations;
}

static void
add_ended (VbMetrics *self, VbOperation *operation)
{
  const VbOperationRecord *record = vb_operation_get_record (operation);

  self->ended[record->kind][record->state]++;
  self->bytes[record->kind] += record->bytes_done;
  if (record->state == VB_OPERATION_COMPLETED && record->ended_at != NULL)
    vb_histogram_observe (&self->durations[record->kind],
                          (double) g_date_time_difference (record->ended_at, record->started_at)
                              / G_TIME_SPAN_SECOND);
}

static void
count_ended (VbMetrics *self, const char *vps)
{
  VbOperation *operation = g_hash_table_lookup (self->running, vps);

  if (operation == NULL)
    return;

  if (vb_operation_state_is_end (vb_operation_get_state (operation)))
    add_ended (self, operation);
  g_hash_table_remove (self->running, vps);
}

/* One that is older than we are was left by a crash or a restart. */
static void
add_running (VbMetrics *self, const char *vps, VbOperation *operation)
{
  if (g_date_time_compare (vb_operation_get_record (operation)->started_at, self->since) < 0)
    self->recoveries++;
  g_hash_table_insert (self->running, g_strdup (vps), g_object_ref (operation));
}

static void
on_vps_changed (VbManager *manager, VbVps *vps, guint64 seq, gpointer user_data)
{
  VbMetrics *self = user_data;
  const char *uuid = vb_vps_get_uuid (vps);
  VbOperation *now = vb_vps_get_operation (vps);

  if (now == g_hash_table_lookup (self->running, uuid))
    return;

  count_ended (self, uuid);
  if (now != NULL)
    add_running (self, uuid, now);
}

static void
on_notification_added (VbManager *manager, const VbNotification *notification, gpointer user_data)
{
  VbMetrics *self = user_data;

  if (notification->type == VB_NOTIFICATION_OPERATION_STALLED)
    self->stalls++;
}

static void
on_vps_removed (VbManager *manager, const char *vps, guint64 seq, gpointer user_data)
{
  count_ended (user_data, vps);
}

VbMetrics *
vb_metrics_new (VbManager *manager)
{
  VbMetrics *self = g_object_new (VB_TYPE_METRICS, NULL);
  g_autoptr (GPtrArray) all = vb_manager_list_vps (manager);

  for (guint i = 0; i < all->len; i++)
    {
      VbVps *vps = g_ptr_array_index (all, i);

      if (vb_vps_get_operation (vps) != NULL)
        add_running (self, vb_vps_get_uuid (vps), vb_vps_get_operation (vps));
    }
  self->manager = g_object_ref (manager);
  g_signal_connect (manager, "vps-changed", G_CALLBACK (on_vps_changed), self);
  g_signal_connect (manager, "vps-removed", G_CALLBACK (on_vps_removed), self);
  g_signal_connect (manager, "notification-added", G_CALLBACK (on_notification_added), self);
  return self;
}

static void
print_number (GString *out, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (out, "# HELP %s %s\n# TYPE %s %s\n%s %" G_GUINT64_FORMAT "\n", name, help,
                          name, type, name, value);
}

static void
print_head (GString *out, const char *name, const char *type, const char *help)
{
  g_string_append_printf (out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* An undo is rare: it has lines from the first one on. */
static int
count_kinds (VbMetrics *self)
{
  for (int state = VB_OPERATION_COMPLETED; state < N_STATES; state++)
    if (self->ended[VB_OPERATION_UNDO][state] > 0)
      return VB_OPERATION_UNDO + 1;
  return VB_OPERATION_UNDO;
}

static void
print_ended (VbMetrics *self, GString *out)
{
  const int n_kinds = count_kinds (self);

  print_head (out, "vps_backup_operations_total", "counter", "Operations that have ended.");
  for (int kind = VB_OPERATION_CREATE; kind < n_kinds; kind++)
    for (int state = VB_OPERATION_COMPLETED; state < N_STATES; state++)
      g_string_append_printf (
          out, "vps_backup_operations_total{kind=\"%s\",outcome=\"%s\"} %" G_GUINT64_FORMAT "\n",
          vb_operation_kind_to_string (kind), vb_operation_state_to_string (state),
          self->ended[kind][state]);

  print_head (out, "vps_backup_copied_bytes_total", "counter",
              "Bytes that operations which have ended copied.");
  for (int kind = VB_OPERATION_CREATE; kind < n_kinds; kind++)
    g_string_append_printf (out,
                            "vps_backup_copied_bytes_total{kind=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            vb_operation_kind_to_string (kind), self->bytes[kind]);

  print_head (out, "vps_backup_operation_duration_seconds", "histogram",
              "From admission to the end of completed operations, waiting included.");
  for (int kind = VB_OPERATION_CREATE; kind < n_kinds; kind++)
    {
      g_autofree char *labels = g_strdup_printf ("kind=\"%s\"", vb_operation_kind_to_string (kind));

      vb_histogram_print (&self->durations[kind], out, "vps_backup_operation_duration_seconds",
                          labels);
    }
  print_number (out, "vps_backup_stalls_total", "counter",
                "Times that nothing moved for longer than stall-timeout.", self->stalls);
  print_head (out, "vps_backup_checks_total", "counter",
              "Backups that were verified in the background.");
  g_string_append_printf (out, "vps_backup_checks_total{outcome=\"whole\"} %" G_GUINT64_FORMAT "\n",
                          vb_manager_get_n_checked (self->manager, FALSE));
  g_string_append_printf (out,
                          "vps_backup_checks_total{outcome=\"damaged\"} %" G_GUINT64_FORMAT "\n",
                          vb_manager_get_n_checked (self->manager, TRUE));
  print_number (out, "vps_backup_recoveries_total", "counter",
                "Operations taken up again after a restart of the service.", self->recoveries);
}

/* What all VPSs add up to. */
typedef struct
{
  guint64 states[N_STATES];
  guint64 stalled;
  guint64 used;
  guint64 total;
  guint64 backups;
  guint64 backup_bytes;
} Sums;

static void
add_vps (Sums *sums, VbVps *vps)
{
  VbOperation *operation = vb_vps_get_operation (vps);
  VbSlots *slots = vb_vps_get_slots (vps);
  GPtrArray *backups = vb_vps_get_backups (vps);

  if (operation != NULL)
    {
      sums->states[vb_operation_get_state (operation)]++;
      sums->stalled += vb_operation_is_stalled (operation) ? 1 : 0;
    }
  sums->used += vb_slots_get_used (slots);
  sums->total += vb_slots_get_total (slots);
  for (guint i = 0; i < backups->len; i++)
    {
      const VbBackupInfo *info = vb_backup_get_info (g_ptr_array_index (backups, i));

      sums->backups += info->completed_at != NULL ? 1 : 0;
      sums->backup_bytes += info->size_bytes;
    }
}

static void
print_vps (VbMetrics *self, GString *out)
{
  g_autoptr (GPtrArray) all = vb_manager_list_vps (self->manager);
  Sums sums = { 0 };

  for (guint i = 0; i < all->len; i++)
    add_vps (&sums, g_ptr_array_index (all, i));

  print_number (out, "vps_backup_vps", "gauge", "VPSs on this host.", all->len);
  print_head (out, "vps_backup_operations_active", "gauge",
              "Operations that run, or wait as queued.");
  for (int state = VB_OPERATION_QUEUED; state < VB_OPERATION_COMPLETED; state++)
    g_string_append_printf (out,
                            "vps_backup_operations_active{state=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            vb_operation_state_to_string (state), sums.states[state]);
  print_number (out, "vps_backup_operations_stalled", "gauge",
                "Operations in which nothing moves at present.", sums.stalled);
  print_number (out, "vps_backup_slots_used", "gauge", "Backup slots in use.", sums.used);
  print_number (out, "vps_backup_slots", "gauge", "Backup slots of all VPSs.", sums.total);
  print_number (out, "vps_backup_backups", "gauge", "Backups of the VPSs on this host.",
                sums.backups);
  print_number (out, "vps_backup_backup_bytes", "gauge",
                "Data that these backups hold, shared extents counted for each.",
                sums.backup_bytes);
}

char *
vb_metrics_print (VbMetrics *self, guint n_connections, guint n_sessions)
{
  GString *out = g_string_new (NULL);
  VbPoolStatus pool = { 0 };
  gboolean has_pool = vb_manager_get_pool_status (self->manager, &pool);
  gboolean has_hypervisor = vb_hypervisor_is_available (vb_manager_get_hypervisor (self->manager));

  g_string_append (out, "# HELP vps_backup_build_info What runs here.\n"
                        "# TYPE vps_backup_build_info gauge\n"
                        "vps_backup_build_info{version=\"" VB_VERSION "\"} 1\n");
  print_number (out, "vps_backup_connections", "gauge", "Open connections.", n_connections);
  print_number (out, "vps_backup_sessions", "gauge", "Open websocket sessions.", n_sessions);
  print_number (out, "vps_backup_hypervisor_up", "gauge", "Whether the hypervisor answers.",
                has_hypervisor ? 1 : 0);
  print_number (out, "vps_backup_pool_up", "gauge", "Whether the pool is available.",
                has_pool ? 1 : 0);
  print_number (out, "vps_backup_journal_up", "gauge", "Whether the disk of the journal answers.",
                vb_manager_is_journal_available (self->manager) ? 1 : 0);
  if (has_pool)
    {
      print_number (out, "vps_backup_pool_free_bytes", "gauge",
                    "Free for backups, the reserve taken off.", pool.free_bytes);
      print_number (out, "vps_backup_pool_size_bytes", "gauge", "Size of the pool's file system.",
                    pool.total_bytes);
    }
  print_vps (self, out);
  print_ended (self, out);
  return g_string_free (out, FALSE);
}
