/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor: what keeps backups from working on this host, and what mends it. */
#include <libsoup/soup.h>

#include "vb-cli-client.h"
#include "vb-cli-config.h"
#include "vb-cli-error.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "offline/vb-doctor.h"
#include "core/base/vb-i18n.h"
#include "json/vb-json-text.h"

#define HOOKS_FOLDER "/etc/libvirt/hooks"
#define LOCKS_FILE "/etc/vps-backup/locks-dir"

/* Everything works without; but Apple's push service, for one, wants to know whom to turn to. */
static void
check_push (const char *subject, GPtrArray *findings)
{
  VbFinding *finding;

  if (*subject != '\0')
    return;
  finding = vb_findings_add (
      findings, "push", VB_VERDICT_HINT,
      _ ("Some push services take no notifications from a sender without a contact."));
  vb_finding_set_remedy (finding, "[push] subject=mailto:ops@example.org   # %s", VB_CLI_CONFIG);
}

/* ---- the outcome ---- */

static guint
count_problems (GPtrArray *findings)
{
  guint count = 0;

  for (guint i = 0; i < findings->len; i++)
    if (((VbFinding *) g_ptr_array_index (findings, i))->verdict == VB_VERDICT_PROBLEM)
      count++;
  return count;
}

static void
print_json (GPtrArray *findings)
{
  g_autoptr (JsonObject) output = json_object_new ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < findings->len; i++)
    {
      const VbFinding *finding = g_ptr_array_index (findings, i);
      JsonObject *object
          = vb_cli_params ("check", finding->check, "verdict",
                           vb_verdict_to_string (finding->verdict), "text", finding->text, NULL);

      if (finding->vps != NULL)
        json_object_set_string_member (object, "vps", finding->vps);
      if (finding->remedy != NULL)
        json_object_set_string_member (object, "remedy", finding->remedy);
      json_array_add_object_element (array, object);
    }
  json_object_set_array_member (output, "findings", array);
  vb_cli_print_json (output);
}

static void
print_words (GPtrArray *findings)
{
  const char *const marks[] = { _ ("ok"), _ ("hint"), _ ("PROBLEM") };

  for (guint i = 0; i < findings->len; i++)
    {
      const VbFinding *finding = g_ptr_array_index (findings, i);
      g_autofree char *mark = vb_cli_text_pad (marks[finding->verdict], 9, FALSE);
      g_autofree char *vps = vb_cli_text_clean (finding->vps != NULL ? finding->vps : "");
      g_autofree char *text = vb_cli_text_clean (finding->text);

      vb_cli_print (stdout, "%s%s%s%s\n", mark, vps, finding->vps != NULL ? ": " : "", text);
      if (finding->remedy != NULL)
        vb_cli_print (stdout, "         → %s\n", finding->remedy);
    }
}

/* ---- where to look ---- */

typedef struct
{
  char *uri;
  char *pool;
  char *reserve;
  char *state;
  char *socket;
  char *runtime;
  char *push_subject;
} Places;

static void
places_clear (Places *places)
{
  g_free (places->uri);
  g_free (places->pool);
  g_free (places->reserve);
  g_free (places->state);
  g_free (places->socket);
  g_free (places->runtime);
  g_free (places->push_subject);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Places, places_clear)

static gboolean
read_places (VbCli *self, Places *places, GError **error)
{
  if (!vb_cli_config_get (self, "libvirt", "uri", VB_CLI_URI, &places->uri, error)
      || !vb_cli_config_get (self, "pool", "path", VB_CLI_POOL, &places->pool, error)
      || !vb_cli_config_get (self, "pool", "reserve", "5%", &places->reserve, error)
      || !vb_cli_config_get (self, "host", "state-dir", "/var/lib/vps-backup", &places->state,
                             error)
      || !vb_cli_config_get (self, "bridge", "socket", VB_CLI_SOCKET, &places->socket, error)
      || !vb_cli_config_get (self, "push", "subject", "", &places->push_subject, error))
    return FALSE;
  places->runtime = g_path_get_dirname (places->socket);
  return TRUE;
}

/* ---- the service ---- */

/* Returns: (transfer full) (nullable): what it says of itself */
static JsonObject *
ask_health (VbCli *self)
{
  g_autoptr (SoupMessage) message = soup_message_new ("GET", "http://localhost/healthz");
  g_autoptr (GBytes) body
      = soup_session_send_and_read (vb_cli_client_get_session (self->client), message, NULL, NULL);
  gsize length = 0;
  const char *text = body != NULL ? g_bytes_get_data (body, &length) : NULL;
  g_autoptr (JsonNode) node = text != NULL ? vb_json_text_parse (text, length, NULL) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_dup_object (node) : NULL;
}

static void
add_unless (JsonObject *health,
            const char *member,
            GPtrArray *findings,
            const char *text,
            const char *remedy)
{
  if (!json_object_get_boolean_member_with_default (health, member, TRUE))
    vb_finding_set_remedy (vb_findings_add (findings, member, VB_VERDICT_PROBLEM, "%s", text), "%s",
                           remedy);
}

/* What the service itself sees. Returns: whether it reaches the pool, as far as is known */
static gboolean
check_health (VbCli *self, const Places *places, GPtrArray *findings)
{
  g_autofree char *disk = g_strdup_printf ("findmnt -T %s; dmesg | tail", places->state);
  g_autoptr (JsonObject) health = ask_health (self);

  if (health == NULL)
    return TRUE;
  add_unless (health, "journal", findings,
              _ ("The service waits for the disk of its journal: no operation can begin or end."),
              disk);
  add_unless (health, "hypervisor", findings, _ ("The service cannot reach libvirt."),
              "journalctl -u vps-backupd");
  return json_object_get_boolean_member_with_default (health, "pool", TRUE);
}

/* Returns: whether it reaches the pool, as far as is known */
static gboolean
check_service (VbCli *self, const Places *places, GPtrArray *findings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = vb_cli_call (self, "session.info", NULL, &error);
  VbFinding *finding;

  if (result != NULL)
    {
      vb_findings_add (findings, "service", VB_VERDICT_OK, _ ("The service answers."));
      return check_health (self, places, findings);
    }
  finding = vb_findings_add (findings, "service", VB_VERDICT_PROBLEM, "%s", error->message);
  vb_finding_set_remedy (finding, "systemctl start vps-backupd   # %s",
                         _ ("journalctl -u vps-backupd says why it stopped"));
  return TRUE;
}

static void
examine (VbCli *self, const Places *places, GPtrArray *findings)
{
  VbDoctor doctor = {
    .uri = places->uri,
    .pool = places->pool,
    .reserve = places->reserve,
    .state_folder = places->state,
    .runtime_folder = places->runtime,
    .hooks_folder = HOOKS_FOLDER,
    .locks_file = LOCKS_FILE,
    .findings = findings,
  };

  doctor.pool_hangs = !check_service (self, places, findings);
  vb_doctor_examine (&doctor);
  check_push (places->push_subject, findings);
}

gboolean
vb_cli_doctor (VbCli *self, char **arguments, GError **error)
{
  g_auto (Places) places = { 0 };
  g_autoptr (GPtrArray) findings
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_finding_free);
  guint problems;

  if (!read_places (self, &places, error))
    return FALSE;
  examine (self, &places, findings);
  if (self->json)
    print_json (findings);
  else
    print_words (findings);
  problems = count_problems (findings);
  if (problems == 0)
    return TRUE;
  g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
               g_dngettext (GETTEXT_PACKAGE, "%u problem keeps backups from working",
                            "%u problems keep backups from working", problems),
               problems);
  return FALSE;
}
