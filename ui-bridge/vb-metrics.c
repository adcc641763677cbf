/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-metrics.h"

#define N_KINDS (VB_OPERATION_RESTORE + 1)
#define N_STATES (VB_OPERATION_CANCELLED + 1)

struct _VbMetrics
{
  GObject parent_instance;

  VbManager *manager;
  GHashTable *running; /* UUID of a VPS → VbOperation last seen on it */
  guint64 ended[N_KINDS][N_STATES];
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
  self->running = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
}

static void
count_ended (VbMetrics *self, const char *vps)
{
  VbOperation *operation = g_hash_table_lookup (self->running, vps);

  if (operation == NULL)
    return;

  if (vb_operation_state_is_end (vb_operation_get_state (operation)))
    self->ended[vb_operation_get_kind (operation)][vb_operation_get_state (operation)]++;
  g_hash_table_remove (self->running, vps);
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
    g_hash_table_insert (self->running, g_strdup (uuid), g_object_ref (now));
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

  self->manager = g_object_ref (manager);
  g_signal_connect (manager, "vps-changed", G_CALLBACK (on_vps_changed), self);
  g_signal_connect (manager, "vps-removed", G_CALLBACK (on_vps_removed), self);
  return self;
}

static void
print_number (GString *out, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (out, "# HELP %s %s\n# TYPE %s %s\n%s %" G_GUINT64_FORMAT "\n", name, help,
                          name, type, name, value);
}

static void
print_ended (VbMetrics *self, GString *out)
{
  g_string_append (out, "# HELP vps_backup_operations_total Operations that have ended.\n"
                        "# TYPE vps_backup_operations_total counter\n");
  for (int kind = VB_OPERATION_CREATE; kind < N_KINDS; kind++)
    for (int state = VB_OPERATION_COMPLETED; state < N_STATES; state++)
      g_string_append_printf (
          out, "vps_backup_operations_total{kind=\"%s\",outcome=\"%s\"} %" G_GUINT64_FORMAT "\n",
          vb_operation_kind_to_string (kind), vb_operation_state_to_string (state),
          self->ended[kind][state]);
}

static void
print_vps (VbMetrics *self, GString *out)
{
  g_autoptr (GPtrArray) all = vb_manager_list_vps (self->manager);
  guint64 running = 0, used = 0, total = 0;

  for (guint i = 0; i < all->len; i++)
    {
      VbVps *vps = g_ptr_array_index (all, i);
      VbSlots *slots = vb_vps_get_slots (vps);

      running += vb_vps_get_operation (vps) != NULL ? 1 : 0;
      used += vb_slots_get_used (slots);
      total += vb_slots_get_total (slots);
    }

  print_number (out, "vps_backup_vps", "gauge", "VPSs on this host.", all->len);
  print_number (out, "vps_backup_operations", "gauge", "Operations that run or wait.", running);
  print_number (out, "vps_backup_slots_used", "gauge", "Backup slots in use.", used);
  print_number (out, "vps_backup_slots", "gauge", "Backup slots of all VPSs.", total);
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
