/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-service.h"

#include <sys/resource.h>

#include "vb-bridge.h"
#include "vb-config.h"
#include "storage/claims/vb-directory-claims.h"
#include "storage/pool/vb-directory-pool.h"
#include "core/base/vb-i18n.h"
#include "libvirt/vb-libvirt-hypervisor.h"
#include "core/base/vb-log.h"
#include "core/manager/vb-manager.h"
#include "vb-service-signals.h"
#include "storage/journal/vb-sqlite-journal.h"
#include "vb-state-folder.h"
#include "vb-status-line.h"

/* The status line follows what happens, but not each byte of it. */
#define STATUS_DELAY_MS 1000
/* With fewer open files even an idle service cannot answer. */
#define DESCRIPTORS_MIN 256u

enum
{
  PROP_0,
  PROP_STATUS,
  N_PROPERTIES
};

typedef enum
{
  STATE_NEW,
  STATE_STARTING,
  STATE_RUNNING,
  STATE_STOPPING,
  STATE_STOPPED,
} State;

struct _VbService
{
  GObject parent_instance;

  VbConfig *config;
  State state;
  GTask *stop_task; /* of stop_async(); also set when it has to wait for the start */
  char *status;
  guint status_source;

  /* In the order in which they are made. */
  VbStateFolder *state_folder;
  char *owner; /* of claims in the pool */
  VbJournal *journal;
  VbHypervisor *hypervisor;
  VbPool *pool;
  VbManager *manager;
  VbBridge *bridge;
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VbService, vb_service, G_TYPE_OBJECT)

/* ---- status ---- */

static void
set_status (VbService *self, const char *status)
{
  if (g_strcmp0 (self->status, status) == 0)
    return;
  g_free (self->status);
  self->status = g_strdup (status);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATUS]);
}

static void
update_status (VbService *self)
{
  g_autofree char *status = vb_status_line (self->manager, self->config);

  set_status (self, status);
}

static gboolean
on_status_due (gpointer user_data)
{
  VbService *self = user_data;

  self->status_source = 0;
  update_status (self);
  return G_SOURCE_REMOVE;
}

static void
schedule_status (VbService *self)
{
  if (self->state == STATE_RUNNING && self->status_source == 0)
    self->status_source = g_timeout_add (STATUS_DELAY_MS, on_status_due, self);
}

/* ---- taking apart ---- */

/* Newest first: each uses those before it. */
static void
release_parts (VbService *self)
{
  g_clear_handle_id (&self->status_source, g_source_remove);
  if (self->manager != NULL)
    g_signal_handlers_disconnect_by_data (self->manager, self);
  if (self->hypervisor != NULL)
    g_signal_handlers_disconnect_by_data (self->hypervisor, self);
  g_clear_object (&self->bridge);
  g_clear_object (&self->manager);
  g_clear_object (&self->pool);
  g_clear_object (&self->hypervisor);
  g_clear_object (&self->journal);
  g_clear_pointer (&self->state_folder, vb_state_folder_free);
}

static void
on_manager_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  VbService *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  gboolean ok = vb_manager_stop_finish (self->manager, result, &error);

  release_parts (self);
  self->state = STATE_STOPPED;
  set_status (self, "Stopped");
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
stop_parts (VbService *self, GTask *task)
{
  self->state = STATE_STOPPING;
  set_status (self, "Stopping");
  if (self->bridge != NULL)
    vb_bridge_stop (self->bridge);
  vb_manager_stop_async (self->manager, on_manager_stopped, task);
}

/* ---- starting ---- */

static void
end_start (VbService *self, GTask *task, GError *error)
{
  g_autoptr (GTask) stop_task = g_steal_pointer (&self->stop_task);

  release_parts (self);
  self->state = STATE_STOPPED;
  set_status (self, "Stopped");
  g_task_return_error (task, error);
  if (stop_task != NULL)
    g_task_return_boolean (stop_task, TRUE);
}

static GError *
make_stopped_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                              "The service was stopped before it had started.");
}

static void
on_failed_start_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  VbService *self = g_task_get_source_object (task);

  vb_manager_stop_finish (self->manager, result, NULL);
  end_start (self, task, g_error_copy (g_task_get_task_data (task)));
}

/* Once the manager has begun, it has to be stopped before its parts can go. */
static void
abort_start (VbService *self, GTask *task, GError *error)
{
  g_task_set_task_data (task, error, (GDestroyNotify) g_error_free);
  if (self->bridge != NULL)
    vb_bridge_stop (self->bridge);
  vb_manager_stop_async (self->manager, on_failed_start_stopped, g_object_ref (task));
}

static VbBridge *
make_bridge (VbService *self)
{
  const VbConfig *config = self->config;
  const VbBridgeSettings settings = {
    .socket = config->bridge_socket,
    .socket_group = config->socket_group,
    .listen = config->listen,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
    .token_keys = config->token_keys,
    .allowed_origins = (const char *const *) config->allowed_origins,
    .trusted_proxies = (const char *const *) config->trusted_proxies,
    .max_connections = config->max_connections,
    .max_per_address = config->max_per_address,
    .state_folder = config->state_folder,
    .push_contact = config->push_subject,
    .files_enabled = config->files_enabled,
    .push_allow_loopback = config->push_allow_loopback,
    .webhook_url = config->webhook_url,
    .webhook_secret_file = config->webhook_secret_file,
    .mail_program = config->mail_program,
    .mail_from = config->mail_from,
    .mail_to = (const char *const *) config->mail_to,
    .panel = {
      .brand = config->panel_brand,
      .accent = config->panel_accent,
      .support_url = config->panel_support_url,
      .price = config->panel_price,
      .currency = config->panel_currency,
      .slots_request = config->panel_slots_request,
      .frame_ancestors = (const char *const *) config->panel_frame_ancestors,
    },
  };

  return vb_bridge_new (self->manager, &settings);
}

static void
on_manager_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  VbService *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!vb_manager_start_finish (self->manager, result, &error))
    {
      abort_start (self, task, error);
      return;
    }
  if (self->stop_task != NULL)
    {
      abort_start (self, task, make_stopped_error ());
      return;
    }

  self->bridge = make_bridge (self);
  if (!vb_bridge_start (self->bridge, &error))
    {
      abort_start (self, task, error);
      return;
    }
  self->state = STATE_RUNNING;
  g_signal_connect_swapped (self->manager, "vps-changed", G_CALLBACK (schedule_status), self);
  g_signal_connect_swapped (self->manager, "vps-removed", G_CALLBACK (schedule_status), self);
  g_signal_connect_swapped (self->hypervisor, "available-changed", G_CALLBACK (schedule_status),
                            self);
  update_status (self);
  g_task_return_boolean (task, TRUE);
}

static void
on_prepared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  VbService *self = VB_SERVICE (source);
  const VbConfig *config = self->config;
  g_autofree char *runtime_folder = vb_config_dup_runtime_folder (config);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      end_start (self, task, error);
      return;
    }
  if (self->stop_task != NULL)
    {
      end_start (self, task, make_stopped_error ());
      return;
    }

  self->hypervisor
      = VB_HYPERVISOR (vb_libvirt_hypervisor_new (config->libvirt_uri, runtime_folder));
  self->pool = (VbPool *) vb_directory_pool_new (config->pool_path, config->pool_reserve, &error);
  if (self->pool == NULL
      || !vb_directory_pool_set_undo_reserve (VB_DIRECTORY_POOL (self->pool), config->undo_reserve,
                                              &error))
    {
      end_start (self, task, error);
      return;
    }
  vb_directory_pool_share (VB_DIRECTORY_POOL (self->pool), self->owner, config->claim_timeout_s);
  self->manager = vb_manager_new (self->hypervisor, self->pool, self->journal, &config->settings);
  vb_service_signals_connect (G_OBJECT (self), self->manager);
  vb_manager_start_async (self->manager, on_manager_started, g_steal_pointer (&task));
}

/* One VPS with a few disks takes a hundred of them during a backup. */
static gboolean
check_descriptor_limit (GError **error)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_MIN)
    return TRUE;

  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
               _ ("The process may open %u files only, and needs %u: raise the limit of open files "
                  "(LimitNOFILE= of the unit, or ulimit -n)."),
               (guint) limit.rlim_cur, DESCRIPTORS_MIN);
  return FALSE;
}

/* What blocks on the disk. Nobody reads these members before on_prepared(). */
static void
prepare_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbService *self = source;
  g_autofree char *file = g_build_filename (self->config->state_folder, "journal.sqlite", NULL);
  GError *error = NULL;

  if (!check_descriptor_limit (&error))
    {
      g_task_return_error (task, error);
      return;
    }

  self->state_folder = vb_state_folder_open (self->config->state_folder, &error);
  self->owner = vb_directory_claims_owner_of (self->config->state_folder);
  if (self->state_folder != NULL)
    self->journal = (VbJournal *) vb_sqlite_journal_new (file, &error);
  /* Before anything can happen that the webhook is to hear of. */
  if (self->journal != NULL
      && vb_outbox_set_webhook (VB_OUTBOX (self->journal), self->config->webhook_url != NULL,
                                &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* ---- lifecycle ---- */

static void
vb_service_init (VbService *self)
{
  self->status = g_strdup ("Not started");
}

static void
vb_service_finalize (GObject *object)
{
  VbService *self = VB_SERVICE (object);

  if (self->state == STATE_RUNNING)
    g_critical ("A service was dropped without being stopped");
  release_parts (self);
  g_free (self->status);
  g_free (self->owner);
  g_clear_pointer (&self->config, vb_config_free);
  G_OBJECT_CLASS (vb_service_parent_class)->finalize (object);
}

static void
vb_service_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  if (property_id == PROP_STATUS)
    g_value_set_string (value, VB_SERVICE (object)->status);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
vb_service_class_init (VbServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = vb_service_finalize;
  object_class->get_property = vb_service_get_property;

  /**
   * VbService:status:
   *
   * What it does at the moment, one short English line for people.
   */
  properties[PROP_STATUS]
      = g_param_spec_string ("status", NULL, NULL, NULL,
                             G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  vb_service_signals_install (VB_TYPE_SERVICE);
}

/* ---- public ---- */

VbService *
vb_service_new (const char *config_file, GError **error)
{
  g_autoptr (VbConfig) config = vb_config_load (config_file, error);
  VbService *self;

  if (config == NULL)
    return NULL;
  self = g_object_new (VB_TYPE_SERVICE, NULL);
  self->config = g_steal_pointer (&config);
  return self;
}

void
vb_service_start_async (VbService *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GTask) prepare = NULL;

  g_return_if_fail (VB_IS_SERVICE (self));
  g_return_if_fail (self->state == STATE_NEW);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, vb_service_start_async);
  self->state = STATE_STARTING;
  set_status (self, "Starting");
  prepare = g_task_new (self, NULL, on_prepared, g_steal_pointer (&task));
  g_task_run_in_thread (prepare, prepare_in_thread);
}

gboolean
vb_service_start_finish (VbService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
vb_service_stop_async (VbService *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (VB_IS_SERVICE (self));
  g_return_if_fail (self->stop_task == NULL && self->state != STATE_STOPPING);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, vb_service_stop_async);
  switch (self->state)
    {
    case STATE_STARTING:
      self->stop_task = g_steal_pointer (&task);
      break;
    case STATE_RUNNING:
      stop_parts (self, g_steal_pointer (&task));
      break;
    default:
      self->state = STATE_STOPPED;
      g_task_return_boolean (task, TRUE);
    }
}

gboolean
vb_service_stop_finish (VbService *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
