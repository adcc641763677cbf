/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pool init, check, list. With PATH they work on the folder itself and need no service: for the day
 * on which there is none. */
#include "vb-cli-pool-source.h"

#include "vb-cli-error.h"
#include "vb-cli-table.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "storage/pool/vb-directory-pool.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

/* ---- init ---- */

static gboolean
init (VbCli *self, const char *path, GError **error)
{
  g_autofree char *absolute = NULL;

  if (path == NULL)
    return vb_cli_error_set_usage (error, _ ("usage: vps-backupctl pool init PATH"));
  absolute = g_canonicalize_filename (path, NULL);
  if (!vb_directory_pool_create (absolute, error))
    return FALSE;

  if (self->json)
    {
      g_autoptr (JsonObject) output = vb_cli_params ("path", absolute, NULL);

      vb_cli_print_json (output);
    }
  else
    vb_cli_print (stdout, _ ("%s is a pool. Name it in the config file: [pool] path=%s\n"),
                  absolute, absolute);
  return TRUE;
}

/* ---- list ---- */

static void
add_row (VbCliTable *table, JsonObject *backup)
{
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "vps_name")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "vps")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "id")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "name")));
  vb_cli_table_add (table, vb_cli_text_time (vb_cli_get_string (backup, "created_at")));
  vb_cli_table_add (table, vb_cli_text_size (vb_cli_get_int (backup, "size_bytes")));
}

static gboolean
list (VbCli *self, const char *path, GError **error)
{
  const char *const headings[]
      = { _ ("VPS NAME"), _ ("VPS"), _ ("BACKUP"), _ ("NAME"), _ ("CREATED"), _ (">SIZE"), NULL };
  g_autoptr (VbCliPoolSource) source = vb_cli_pool_source_new (self, path, error);
  g_autoptr (JsonArray) backups = source != NULL ? vb_cli_pool_source_list (source, error) : NULL;
  g_autoptr (VbCliTable) table = NULL;

  if (backups == NULL)
    return FALSE;
  if (self->json)
    {
      g_autoptr (JsonObject) output = json_object_new ();

      json_object_set_array_member (output, "backups", json_array_ref (backups));
      vb_cli_print_json (output);
      return TRUE;
    }

  table = vb_cli_table_new (headings);
  for (guint i = 0; i < json_array_get_length (backups); i++)
    add_row (table, json_array_get_object_element (backups, i));
  vb_cli_table_print (table);
  return TRUE;
}

/* ---- check ---- */

/* Returns: (nullable): what is wrong with it; NULL when it is whole, or has been deleted
 * meanwhile */
static char *
check_one (VbCliPoolSource *source, JsonObject *backup)
{
  g_autoptr (GError) error = NULL;
  guint64 bad_chunks = 0;

  if (vb_cli_pool_source_verify (source, backup, &bad_chunks, &error))
    return bad_chunks == 0
               ? NULL
               : g_strdup_printf (vb_ngettext ("%u piece of 1 MiB differs from its checksum",
                                               "%u pieces of 1 MiB differ from their checksums",
                                               (guint) bad_chunks),
                                  (guint) bad_chunks);
  if (g_error_matches (error, VB_ERROR, VB_ERROR_NOT_FOUND))
    return NULL;
  return g_strdup (error->message);
}

static void
print_verdict (JsonObject *backup, const char *problem)
{
  g_autofree char *vps = vb_cli_text_clean (vb_cli_get_string (backup, "vps_name"));

  vb_cli_print (stdout, "%s  %s  %s\n", vps, vb_cli_get_string (backup, "id"),
                problem != NULL ? problem : _ ("whole"));
}

static void
add_problem (JsonArray *problems, JsonObject *backup, const char *problem)
{
  json_array_add_object_element (
      problems, vb_cli_params ("vps", vb_cli_get_string (backup, "vps"), "backup",
                               vb_cli_get_string (backup, "id"), "problem", problem, NULL));
}

static gboolean
check (VbCli *self, const char *path, GError **error)
{
  g_autoptr (VbCliPoolSource) source = vb_cli_pool_source_new (self, path, error);
  g_autoptr (JsonArray) backups = source != NULL ? vb_cli_pool_source_list (source, error) : NULL;
  g_autoptr (JsonArray) problems = json_array_new ();
  g_autoptr (JsonObject) output = json_object_new ();

  if (backups == NULL)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (backups); i++)
    {
      JsonObject *backup = json_array_get_object_element (backups, i);
      g_autofree char *problem = check_one (source, backup);

      if (problem != NULL)
        add_problem (problems, backup, problem);
      if (!self->json)
        print_verdict (backup, problem);
    }

  json_object_set_int_member (output, "checked", json_array_get_length (backups));
  json_object_set_array_member (output, "problems", json_array_ref (problems));
  if (self->json)
    vb_cli_print_json (output);
  if (json_array_get_length (problems) == 0)
    return TRUE;
  g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
               _ ("%u of %u backups are not whole or could not be read; see the list above"),
               json_array_get_length (problems), json_array_get_length (backups));
  return FALSE;
}

gboolean
vb_cli_pool (VbCli *self, char **arguments, GError **error)
{
  if (g_str_equal (arguments[0], "init"))
    return init (self, arguments[1], error);
  if (g_str_equal (arguments[0], "list"))
    return list (self, arguments[1], error);
  if (g_str_equal (arguments[0], "check"))
    return check (self, arguments[1], error);
  return vb_cli_error_set_usage (error, _ ("Unknown command “pool %s”; try --help"), arguments[0]);
}
