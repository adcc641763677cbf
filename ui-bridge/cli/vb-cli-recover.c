/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* recover: a VPS that this host has lost, or never had, from the folder of the pool alone. */
#include <signal.h>
#include <string.h>

#include "vb-cli-config.h"
#include "vb-cli-error.h"
#include "vb-cli-pool-source.h"
#include "vb-cli-progress.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/model/vb-disk.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "core/model/vb-progress.h"
#include "offline/vb-recovery.h"

static volatile sig_atomic_t interrupted;

/* ---- which backup ---- */

static gboolean
is_meant (JsonObject *backup, const char *text)
{
  return g_ascii_strcasecmp (vb_cli_get_string (backup, "vps"), text) == 0
         || g_strcmp0 (vb_cli_get_string (backup, "vps_name"), text) == 0;
}

/* Returns: (nullable): UUID of the only VPS that is meant */
static const char *
find_uuid (JsonArray *all, const char *text, GError **error)
{
  const char *found = NULL;

  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonObject *backup = json_array_get_object_element (all, i);
      const char *uuid = vb_cli_get_string (backup, "vps");

      if (!is_meant (backup, text) || g_strcmp0 (found, uuid) == 0)
        continue;
      if (found != NULL)
        {
          vb_cli_error_set_usage (error,
                                  _ ("The pool has several VPSs called “%s”; say a UUID, as “pool "
                                     "list” shows it"),
                                  text);
          return NULL;
        }
      found = uuid;
    }
  if (found == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, _ ("The pool has no backup of a VPS “%s”"),
                 text);
  return found;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  JsonObject *left = *(JsonObject *const *) a;
  JsonObject *right = *(JsonObject *const *) b;

  return g_strcmp0 (vb_cli_get_string (right, "created_at"),
                    vb_cli_get_string (left, "created_at"));
}

/* A Vps object as far as choosing one of its backups goes. It may have changed its name between two
 * of them. */
static JsonObject *
make_vps (JsonArray *all, const char *uuid)
{
  JsonObject *vps = vb_cli_params ("vps", uuid, "name", uuid, NULL);
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  JsonArray *backups = json_array_new ();

  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonObject *backup = json_array_get_object_element (all, i);

      if (g_strcmp0 (vb_cli_get_string (backup, "vps"), uuid) == 0)
        g_ptr_array_add (sorted, backup);
    }
  g_ptr_array_sort (sorted, compare_times);
  for (guint i = 0; i < sorted->len; i++)
    json_array_add_object_element (backups, json_object_ref (g_ptr_array_index (sorted, i)));
  json_object_set_array_member (vps, "backups", backups);
  return vps;
}

static JsonObject *
choose_backup (VbCli *self, const char *pool, char **arguments, GError **error)
{
  g_autoptr (VbCliPoolSource) source = vb_cli_pool_source_new (self, pool, error);
  g_autoptr (JsonArray) all = source != NULL ? vb_cli_pool_source_list (source, error) : NULL;
  const char *uuid = all != NULL ? find_uuid (all, arguments[0], error) : NULL;
  g_autoptr (JsonObject) vps = uuid != NULL ? make_vps (all, uuid) : NULL;
  JsonObject *backup;

  if (vps == NULL)
    return NULL;
  backup = vb_cli_resolve_backup (vps, arguments[1] != NULL ? arguments[1] : "latest", error);
  return backup != NULL ? json_object_ref (backup) : NULL;
}

/* ---- progress ---- */

typedef struct
{
  VbTransfer *transfer;
  VbProgress *progress;
  VbCliProgress *shown;
} Show;

static void
on_signal (int number)
{
  interrupted = TRUE;
}

static gboolean
on_tick (gpointer user_data, GError **error)
{
  Show *show = user_data;
  const gint64 now_us = g_get_monotonic_time ();
  g_autoptr (JsonObject) operation = vb_cli_params ("state", "copying", NULL);
  gint64 eta_s;
  guint64 done, total;

  if (interrupted)
    {
      g_set_error_literal (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
                           _ ("Interrupted; nothing was left behind"));
      return FALSE;
    }
  vb_transfer_get (show->transfer, &done, &total);
  vb_progress_update (show->progress, done, total, now_us);
  eta_s = vb_progress_get_eta_s (show->progress, now_us);
  json_object_set_double_member (operation, "progress", vb_progress_get_percent (show->progress));
  json_object_set_int_member (operation, "bytes_done", done);
  json_object_set_int_member (operation, "bytes_total", total);
  json_object_set_int_member (operation, "rate_bytes_per_s",
                              vb_progress_get_rate (show->progress, now_us));
  if (eta_s >= 0)
    json_object_set_int_member (operation, "eta_s", eta_s);
  vb_cli_progress_update (show->shown, operation);
  return TRUE;
}

static gboolean
run (VbCli *self, VbRecovery *recovery, GError **error)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  g_autoptr (VbProgress) progress = vb_progress_new (G_MAXINT64, g_get_monotonic_time ());
  g_autoptr (VbCliProgress) shown = vb_cli_progress_new (self->json);
  Show show = { .transfer = transfer, .progress = progress, .shown = shown };
  const struct sigaction action = { .sa_handler = on_signal };

  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  vb_transfer_set_tick (transfer, on_tick, &show);
  return vb_recovery_run (recovery, transfer, error);
}

/* ---- the outcome ---- */

static void
print_json (VbCli *self, VbRecovery *recovery, JsonObject *backup)
{
  const char *name = self->as ? self->as : vb_cli_get_string (backup, "vps_name");
  g_autoptr (JsonObject) output
      = vb_cli_params ("vps", vb_recovery_get_vps (recovery), "name", name, "backup",
                       vb_cli_get_string (backup, "id"), "definition",
                       vb_recovery_get_definition_path (recovery), NULL);
  GPtrArray *disks = vb_recovery_get_disks (recovery);
  GPtrArray *notes = vb_recovery_get_notes (recovery);
  JsonArray *disks_out = json_array_new ();
  JsonArray *notes_out = json_array_new ();

  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);

      json_array_add_object_element (
          disks_out,
          vb_cli_params ("target", disk->target, "path", disk->path, "format", disk->format, NULL));
    }
  for (guint i = 0; i < notes->len; i++)
    json_array_add_string_element (notes_out, g_ptr_array_index (notes, i));
  json_object_set_array_member (output, "disks", disks_out);
  json_object_set_array_member (output, "notes", notes_out);
  vb_cli_print_json (output);
}

static void
print_words (VbCli *self, VbRecovery *recovery, JsonObject *backup)
{
  g_autofree char *name
      = vb_cli_text_clean (self->as ? self->as : vb_cli_get_string (backup, "vps_name"));
  g_autofree char *time = vb_cli_text_time (vb_cli_get_string (backup, "created_at"));
  GPtrArray *disks = vb_recovery_get_disks (recovery);
  GPtrArray *notes = vb_recovery_get_notes (recovery);

  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);

      vb_cli_print (stdout, "%s  %s\n", disk->target, disk->path);
    }
  for (guint i = 0; i < notes->len; i++)
    vb_cli_print (stdout, "%s\n", (const char *) g_ptr_array_index (notes, i));
  if (self->no_define)
    vb_cli_print (stdout, _ ("%s is as it was at %s. Define it: virsh define %s\n"), name, time,
                  vb_recovery_get_definition_path (recovery));
  else
    vb_cli_print (stdout, _ ("%s is defined, as it was at %s. Start it: virsh start %s\n"), name,
                  time, name);
}

gboolean
vb_cli_recover (VbCli *self, char **arguments, GError **error)
{
  g_autofree char *pool = NULL;
  g_autofree char *uri = NULL;
  g_autofree char *into = NULL;
  g_autoptr (JsonObject) backup = NULL;
  g_autoptr (VbRecovery) recovery = NULL;

  if (self->into == NULL)
    return vb_cli_error_set_usage (error, _ ("Say with --into in which folder the disks belong"));
  if (self->as != NULL && (*self->as == '\0' || strchr (self->as, '/') != NULL))
    return vb_cli_error_set_usage (error, _ ("“%s” cannot be the name of a VPS"), self->as);
  into = g_canonicalize_filename (self->into, NULL);
  if (!vb_cli_config_get (self, "pool", "path", VB_CLI_POOL, &pool, error)
      || !vb_cli_config_get (self, "libvirt", "uri", VB_CLI_URI, &uri, error))
    return FALSE;
  if (self->pool != NULL)
    {
      g_free (pool);
      pool = g_canonicalize_filename (self->pool, NULL);
    }

  backup = choose_backup (self, pool, arguments, error);
  if (backup == NULL)
    return FALSE;
  recovery = vb_recovery_new (pool, self->no_define ? NULL : uri, vb_cli_get_string (backup, "vps"),
                              vb_cli_get_string (backup, "id"), self->as, into, error);
  if (recovery == NULL || !run (self, recovery, error))
    return FALSE;
  if (self->json)
    print_json (self, recovery, backup);
  else
    print_words (self, recovery, backup);
  return TRUE;
}
