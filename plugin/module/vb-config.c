/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-config.h"

#include "vb-config-lines.h"
#include "vb-config-value.h"
#include "core/base/vb-error.h"
#include "core/base/vb-safe-open.h"

#define MAX_FILE_BYTES (1 << 20)

typedef enum
{
  KEY_TEXT,
  KEY_BOOLEAN,
  KEY_UINT,
  KEY_SIZE,
  KEY_DURATION,
  KEY_RESERVE,
  KEY_PATH,
  KEY_SOCKET,
  KEY_ENDPOINT,
  KEY_ORIGINS,
  KEY_ADDRESSES,
  KEY_MAILBOX,
  KEY_MAILBOXES,
  KEY_CONTACT,
  KEY_URL,
  KEY_LINK,
  KEY_COLOURS,
  KEY_PRICE,
  KEY_CURRENCY,
} KeyType;

typedef struct
{
  const char *group;
  const char *name;
  KeyType type;
  gboolean may_be_empty; /* an empty value is stored as NULL */
  gsize offset;          /* into VbConfig */
  const char *fallback;
  guint minimum; /* KEY_UINT only */
  guint maximum;
} Key;

#define AT(member) G_STRUCT_OFFSET (VbConfig, member)
#define SOCKET "/run/vps-backup/vps-backup.sock"

static const Key keys[] = {
  { "host", "state-dir", KEY_PATH, FALSE, AT (state_folder), "/var/lib/vps-backup" },
  { "libvirt", "uri", KEY_TEXT, FALSE, AT (libvirt_uri), "qemu:///system" },
  { "pool", "path", KEY_PATH, FALSE, AT (pool_path), "/srv/backups" },
  { "pool", "reserve", KEY_RESERVE, FALSE, AT (pool_reserve), "5%" },
  { "pool", "claim-timeout", KEY_UINT, FALSE, AT (claim_timeout_s), "60", 2, 3600 },
  { "pool", "check-interval", KEY_DURATION, FALSE, AT (settings.check_interval_s), "30d" },
  { "pool", "check-bandwidth", KEY_SIZE, FALSE, AT (settings.check_bandwidth_bytes_per_s), "20M" },
  { "slots", "included", KEY_UINT, FALSE, AT (settings.slots_included), "2", 0, 1000 },
  { "slots", "step", KEY_UINT, FALSE, AT (settings.slots_step), "1", 1, 1000 },
  { "slots", "maximum", KEY_UINT, FALSE, AT (settings.slots_maximum), "10", 1, 1000 },
  { "operations", "max-concurrent", KEY_UINT, FALSE, AT (settings.max_concurrent), "2", 1, 64 },
  { "operations", "bandwidth-limit", KEY_SIZE, FALSE, AT (settings.bandwidth_limit_bytes_per_s),
    "0" },
  { "operations", "stall-timeout", KEY_UINT, FALSE, AT (settings.stall_timeout_s), "1800", 1,
    30 * 24 * 3600 },
  { "operations", "freeze-timeout", KEY_UINT, FALSE, AT (settings.freeze_timeout_s), "5", 0, 600 },
  { "operations", "delta-limit", KEY_SIZE, FALSE, AT (settings.delta_limit_bytes), "1G" },
  { "operations", "undo-window", KEY_DURATION, FALSE, AT (settings.undo_window_s), "24h" },
  { "operations", "undo-reserve", KEY_RESERVE, FALSE, AT (undo_reserve), "10%" },
  { "operations", "scratch-reserve", KEY_SIZE, FALSE, AT (settings.scratch_reserve_bytes), "1G" },
  { "operations", "full-every", KEY_UINT, FALSE, AT (settings.full_every), "0", 0, 100000 },
  { "bridge", "socket", KEY_SOCKET, TRUE, AT (bridge_socket), SOCKET },
  { "bridge", "socket-group", KEY_TEXT, TRUE, AT (socket_group), "" },
  { "bridge", "listen", KEY_ENDPOINT, TRUE, AT (listen), "127.0.0.1:8006" },
  { "bridge", "tls-certificate", KEY_PATH, TRUE, AT (tls_certificate), "" },
  { "bridge", "tls-key", KEY_PATH, TRUE, AT (tls_key), "" },
  { "bridge", "token-keys", KEY_PATH, TRUE, AT (token_keys), "/etc/vps-backup/keys" },
  { "bridge", "allowed-origins", KEY_ORIGINS, TRUE, AT (allowed_origins), "" },
  { "bridge", "trusted-proxies", KEY_ADDRESSES, TRUE, AT (trusted_proxies), "" },
  { "bridge", "max-per-address", KEY_UINT, FALSE, AT (max_per_address), "256", 1, 1000000 },
  { "bridge", "max-connections", KEY_UINT, FALSE, AT (max_connections), "4096", 1, 1000000 },
  { "panel", "brand", KEY_TEXT, TRUE, AT (panel_brand), "" },
  { "panel", "accent", KEY_COLOURS, TRUE, AT (panel_accent), "" },
  { "panel", "support-url", KEY_LINK, TRUE, AT (panel_support_url), "" },
  { "panel", "price", KEY_PRICE, TRUE, AT (panel_price), "" },
  { "panel", "currency", KEY_CURRENCY, TRUE, AT (panel_currency), "EUR" },
  { "panel", "slots-request", KEY_LINK, TRUE, AT (panel_slots_request), "" },
  { "panel", "frame-ancestors", KEY_ORIGINS, TRUE, AT (panel_frame_ancestors), "" },
  { "push", "subject", KEY_CONTACT, TRUE, AT (push_subject), "" },
  { "files", "enabled", KEY_BOOLEAN, FALSE, AT (files_enabled), "yes" },
  { "push", "allow-loopback", KEY_BOOLEAN, FALSE, AT (push_allow_loopback), "no" },
  { "webhook", "url", KEY_URL, TRUE, AT (webhook_url), "" },
  { "webhook", "secret-file", KEY_PATH, TRUE, AT (webhook_secret_file), "" },
  { "mail", "to", KEY_MAILBOXES, TRUE, AT (mail_to), "" },
  { "mail", "from", KEY_MAILBOX, TRUE, AT (mail_from), "" },
  { "mail", "program", KEY_PATH, FALSE, AT (mail_program), "/usr/sbin/sendmail" },
};

/* ---- one key ---- */

typedef char *(*ParseOne) (const char *text, GError **error);

static gboolean
parse_list (const char *text, ParseOne parse, char ***list, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *one = NULL;

      if (*g_strstrip (parts[i]) == '\0')
        continue;
      one = parse (parts[i], error);
      if (one == NULL)
        return FALSE;
      g_strv_builder_add (builder, one);
    }
  g_strfreev (*list);
  *list = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
check_text (KeyType type, const char *text, GError **error)
{
  static gboolean (*const checks[]) (const char *text, GError **error) = {
    [KEY_RESERVE] = vb_config_check_reserve,   [KEY_PATH] = vb_config_check_path,
    [KEY_SOCKET] = vb_config_check_socket,     [KEY_ENDPOINT] = vb_config_check_endpoint,
    [KEY_CONTACT] = vb_config_check_contact,   [KEY_URL] = vb_config_check_url,
    [KEY_LINK] = vb_config_check_link,         [KEY_COLOURS] = vb_config_check_colours,
    [KEY_MAILBOX] = vb_config_check_mailbox,   [KEY_PRICE] = vb_config_check_price,
    [KEY_CURRENCY] = vb_config_check_currency,
  };

  return type >= G_N_ELEMENTS (checks) || checks[type] == NULL || checks[type](text, error);
}

static gboolean
store_text (const Key *key, const char *text, char **target, GError **error)
{
  const gboolean is_empty = *text == '\0';

  if (is_empty && !key->may_be_empty)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, "must have a value");
      return FALSE;
    }
  if (!is_empty && !check_text (key->type, text, error))
    return FALSE;
  g_free (*target);
  *target = is_empty ? NULL : g_strdup (text);
  return TRUE;
}

static gboolean
store (VbConfig *self, const Key *key, const char *text, GError **error)
{
  gpointer target = G_STRUCT_MEMBER_P (self, key->offset);

  switch (key->type)
    {
    case KEY_UINT:
      return vb_config_parse_uint (text, key->minimum, key->maximum, target, error);
    case KEY_BOOLEAN:
      return vb_config_parse_boolean (text, target, error);
    case KEY_SIZE:
      return vb_config_parse_size (text, target, error);
    case KEY_DURATION:
      return vb_config_parse_duration (text, target, error);
    case KEY_ORIGINS:
      return parse_list (text, vb_config_parse_origin, target, error);
    case KEY_MAILBOXES:
      return parse_list (text, vb_config_parse_mailbox, target, error);
    case KEY_ADDRESSES:
      return parse_list (text, vb_config_parse_address, target, error);
    default:
      return store_text (key, text, target, error);
    }
}

/* ---- the file ---- */

static void set_line_error (GError **error, const char *file, guint line, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
set_line_error (GError **error, const char *file, guint line, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (line > 0)
    g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, "%s, line %u: %s", file, line, text);
  else
    g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, "%s: %s", file, text);
}

static char *
list_known (const char *group)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (group != NULL && g_str_equal (keys[i].group, group))
        g_ptr_array_add (names, (char *) keys[i].name);
      else if (group == NULL && (i == 0 || !g_str_equal (keys[i].group, keys[i - 1].group)))
        g_ptr_array_add (names, (char *) keys[i].group);
    }
  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (char **) names->pdata);
}

static const Key *
find_key (const VbConfigLine *line, const char *file, GError **error)
{
  gboolean group_known = FALSE;
  g_autofree char *known = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].group, line->group))
      {
        group_known = TRUE;
        if (line->key == NULL || g_str_equal (keys[i].name, line->key))
          return &keys[i];
      }

  known = list_known (group_known ? line->group : NULL);
  if (group_known)
    set_line_error (error, file, line->number, "unknown key “%s” in [%s]; it has %s", line->key,
                    line->group, known);
  else
    set_line_error (error, file, line->number, "unknown group [%s]; there are %s", line->group,
                    known);
  return NULL;
}

static gboolean
apply_line (VbConfig *self, const VbConfigLine *line, guint *seen, const char *file, GError **error)
{
  const Key *key = find_key (line, file, error);
  g_autoptr (GError) local_error = NULL;
  guint *seen_line;

  if (key == NULL)
    return FALSE;
  if (line->key == NULL)
    return TRUE;

  seen_line = &seen[key - keys];
  if (*seen_line != 0)
    {
      set_line_error (error, file, line->number, "[%s] %s is given twice, first in line %u",
                      line->group, line->key, *seen_line);
      return FALSE;
    }
  *seen_line = line->number;
  if (!store (self, key, line->value, &local_error))
    {
      set_line_error (error, file, line->number,
                      *line->value != '\0' ? "[%s] %s %s, not “%s”" : "[%s] %s %s", line->group,
                      line->key, local_error->message, line->value);
      return FALSE;
    }
  return TRUE;
}

static guint
line_of (const guint *seen, const char *group, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].group, group) && g_str_equal (keys[i].name, name))
      return seen[i];
  g_return_val_if_reached (0);
}

/* What the keys must fulfil together. */
static gboolean
check_whole (const VbConfig *self, const guint *seen, const char *file, GError **error)
{
  const VbSettings *settings = &self->settings;

  if (settings->slots_included > settings->slots_maximum)
    {
      set_line_error (error, file,
                      MAX (line_of (seen, "slots", "included"), line_of (seen, "slots", "maximum")),
                      "[slots] included (%u) must not exceed maximum (%u)",
                      settings->slots_included, settings->slots_maximum);
      return FALSE;
    }
  if ((self->tls_certificate == NULL) != (self->tls_key == NULL))
    {
      set_line_error (
          error, file,
          MAX (line_of (seen, "bridge", "tls-certificate"), line_of (seen, "bridge", "tls-key")),
          "[bridge] tls-certificate and tls-key go together; give both or neither");
      return FALSE;
    }
  if (self->webhook_url != NULL && self->webhook_secret_file == NULL)
    {
      set_line_error (error, file, line_of (seen, "webhook", "url"),
                      "[webhook] url needs a secret-file, for messages are signed");
      return FALSE;
    }
  return TRUE;
}

static VbConfig *
config_new (void)
{
  VbConfig *self = g_new0 (VbConfig, 1);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    store (self, &keys[i], keys[i].fallback, NULL);
  return self;
}

VbConfig *
vb_config_parse (const char *name, const char *text, gsize length, GError **error)
{
  g_autoptr (VbConfig) self = config_new ();
  g_autoptr (GPtrArray) lines = NULL;
  g_autoptr (GError) local_error = NULL;
  guint seen[G_N_ELEMENTS (keys)] = { 0 };
  guint bad_line;

  lines = vb_config_lines_parse (text, length, &bad_line, &local_error);
  if (lines == NULL)
    {
      set_line_error (error, name, bad_line, "%s", local_error->message);
      return NULL;
    }
  for (guint i = 0; i < lines->len; i++)
    if (!apply_line (self, lines->pdata[i], seen, name, error))
      return NULL;
  if (!check_whole (self, seen, name, error))
    return NULL;

  self->settings.state_folder = self->state_folder;
  return g_steal_pointer (&self);
}

VbConfig *
vb_config_load (const char *file, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) local_error = NULL;
  gsize length;

  if (!vb_safe_open_read (file, MAX_FILE_BYTES, &text, &length, &local_error))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                   "Failed to read the config file %s: %s", file, local_error->message);
      return NULL;
    }
  return vb_config_parse (file, text, length, error);
}

char *
vb_config_dup_runtime_folder (const VbConfig *self)
{
  if (self->bridge_socket != NULL)
    return g_path_get_dirname (self->bridge_socket);
  return g_build_filename (self->state_folder, "run", NULL);
}

void
vb_config_free (VbConfig *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      gpointer target = G_STRUCT_MEMBER_P (self, keys[i].offset);

      if (keys[i].type == KEY_ORIGINS || keys[i].type == KEY_ADDRESSES
          || keys[i].type == KEY_MAILBOXES)
        g_strfreev (*(char ***) target);
      else if (keys[i].type != KEY_UINT && keys[i].type != KEY_SIZE && keys[i].type != KEY_DURATION
               && keys[i].type != KEY_BOOLEAN)
        g_free (*(char **) target);
    }
  g_free (self);
}
