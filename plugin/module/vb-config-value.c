/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-config-value.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/un.h>

#include "core/base/vb-error.h"

#define DURATION_MAX_S (3650 * 24 * 3600)
#define RESERVE_MAX_PERCENT 90

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, text);
  return FALSE;
}

gboolean
vb_config_parse_uint (const char *text, guint minimum, guint maximum, guint *value, GError **error)
{
  guint64 parsed;

  if (!g_ascii_string_to_unsigned (text, 10, minimum, maximum, &parsed, NULL))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                   "must be a whole number from %u to %u", minimum, maximum);
      return FALSE;
    }
  *value = parsed;
  return TRUE;
}

gboolean
vb_config_parse_boolean (const char *text, gboolean *value, GError **error)
{
  const gboolean is_yes = g_str_equal (text, "yes") || g_str_equal (text, "true");

  if (!is_yes && !g_str_equal (text, "no") && !g_str_equal (text, "false"))
    return refuse (error, "must be yes or no");
  *value = is_yes;
  return TRUE;
}

gboolean
vb_config_parse_size (const char *text, guint64 *bytes, GError **error)
{
  const char *const suffixes = "KMGT";
  g_autofree char *digits = g_strdup (text);
  gsize length = strlen (digits);
  const char *suffix = NULL;
  guint shift = 0;
  guint64 parsed;

  if (length > 1)
    suffix = strchr (suffixes, g_ascii_toupper (digits[length - 1]));
  if (suffix != NULL)
    {
      shift = 10 * (suffix - suffixes + 1);
      digits[length - 1] = '\0';
    }
  /* Signed 64 bits are what SQLite and JSON can carry. */
  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT64 >> shift, &parsed, NULL))
    return refuse (error, "must be a number of bytes, or a whole number followed by K, M, G or T");
  *bytes = parsed << shift;
  return TRUE;
}

gboolean
vb_config_parse_duration (const char *text, guint64 *seconds, GError **error)
{
  static const struct
  {
    char suffix;
    guint seconds;
  } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 24 * 3600 } };
  g_autofree char *digits = g_strdup (text);
  gsize length = strlen (digits);
  guint factor = 24 * 3600;
  guint64 parsed;

  for (gsize i = 0; length > 1 && i < G_N_ELEMENTS (units); i++)
    if (text[length - 1] == units[i].suffix)
      {
        factor = units[i].seconds;
        digits[length - 1] = '\0';
      }
  if (!g_ascii_string_to_unsigned (digits, 10, 0, DURATION_MAX_S / factor, &parsed, NULL))
    return refuse (
        error,
        "must be a number of days, or a whole number followed by s, m, h or d, up to ten years");
  *seconds = parsed * factor;
  return TRUE;
}

gboolean
vb_config_check_reserve (const char *text, GError **error)
{
  guint64 number;

  if (g_str_has_suffix (text, "%"))
    {
      g_autofree char *digits = g_strndup (text, strlen (text) - 1);

      if (!g_ascii_string_to_unsigned (digits, 10, 0, RESERVE_MAX_PERCENT, &number, NULL))
        return refuse (error, "must be from 0% to 90%, a number of bytes, or a whole number "
                              "followed by K, M, G or T");
      return TRUE;
    }
  return vb_config_parse_size (text, &number, error);
}

gboolean
vb_config_check_path (const char *text, GError **error)
{
  return g_path_is_absolute (text) || refuse (error, "must be an absolute path");
}

gboolean
vb_config_check_socket (const char *text, GError **error)
{
  const struct sockaddr_un *address = NULL;

  if (!vb_config_check_path (text, error))
    return FALSE;
  return strlen (text) < sizeof address->sun_path
         || refuse (error,
                    "must be shorter than 108 bytes, as the kernel wants the path of a socket");
}

gboolean
vb_config_check_endpoint (const char *text, GError **error)
{
  g_autoptr (GSocketConnectable) address = g_network_address_parse (text, 0, NULL);

  if (address != NULL && g_network_address_get_port (G_NETWORK_ADDRESS (address)) != 0
      && *g_network_address_get_hostname (G_NETWORK_ADDRESS (address)) != '\0')
    return TRUE;
  return refuse (error, "must be an address and a port, such as 127.0.0.1:8006 or [::1]:8006");
}

static GUri *
parse_uri (const char *text, const char *const *schemes)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_SCHEME_NORMALIZE, NULL);

  if (uri == NULL || !g_strv_contains (schemes, g_uri_get_scheme (uri)))
    return NULL;
  return g_steal_pointer (&uri);
}

static gboolean
has_host (GUri *uri)
{
  return g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0';
}

gboolean
vb_config_check_url (const char *text, GError **error)
{
  const char *const schemes[] = { "http", "https", NULL };
  g_autoptr (GUri) uri = parse_uri (text, schemes);

  return (uri != NULL && has_host (uri)) || refuse (error, "must be an http or https URL");
}

gboolean
vb_config_check_contact (const char *text, GError **error)
{
  const char *const schemes[] = { "mailto", "https", NULL };
  g_autoptr (GUri) uri = parse_uri (text, schemes);

  if (uri != NULL && (has_host (uri) || strchr (g_uri_get_path (uri), '@') != NULL))
    return TRUE;
  return refuse (error, "must be a mailto: or https: address where you can be reached");
}

gboolean
vb_config_check_link (const char *text, GError **error)
{
  const gboolean known = g_str_has_prefix (text, "https://") || g_str_has_prefix (text, "http://")
                         || g_str_has_prefix (text, "mailto:");

  return (known && text[strcspn (text, " \"<>\\^`")] == '\0')
         || refuse (error, "must be an https, http or mailto address");
}

gboolean
vb_config_check_colours (const char *text, GError **error)
{
  return g_regex_match_simple ("^[0-9a-fA-F]{6}(,[0-9a-fA-F]{6})?$", text, 0, 0)
         || refuse (error, "must be a colour such as 3646c6, or two: for light and for dark");
}

gboolean
vb_config_check_price (const char *text, GError **error)
{
  return g_regex_match_simple ("^[0-9]{1,9}(\\.[0-9]{1,4})?$", text, 0, 0)
         || refuse (error, "must be a number, such as 2.50");
}

gboolean
vb_config_check_currency (const char *text, GError **error)
{
  return g_regex_match_simple ("^[A-Z]{3}$", text, 0, 0)
         || refuse (error, "must be three letters, such as EUR");
}

char *
vb_config_parse_origin (const char *text, GError **error)
{
  const char *const schemes[] = { "http", "https", NULL };
  g_autoptr (GUri) uri = parse_uri (text, schemes);
  g_autofree char *host = NULL;
  GString *origin;
  const char *path;
  int default_port;

  path = uri != NULL ? g_uri_get_path (uri) : NULL;
  if (uri == NULL || !has_host (uri) || g_uri_get_userinfo (uri) != NULL
      || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL
      || (*path != '\0' && strcmp (path, "/") != 0))
    {
      refuse (error, "must be origins, such as https://panel.example, separated by “;”");
      return NULL;
    }

  /* A host with colons is an IPv6 address, which GUri has taken out of its brackets. */
  default_port = g_str_equal (g_uri_get_scheme (uri), "https") ? 443 : 80;
  host = g_ascii_strdown (g_uri_get_host (uri), -1);
  origin = g_string_new (NULL);
  g_string_append_printf (origin, strchr (host, ':') != NULL ? "%s://[%s]" : "%s://%s",
                          g_uri_get_scheme (uri), host);
  if (g_uri_get_port (uri) > 0 && g_uri_get_port (uri) != default_port)
    g_string_append_printf (origin, ":%d", g_uri_get_port (uri));
  return g_string_free (origin, FALSE);
}

gboolean
vb_config_check_mailbox (const char *text, GError **error)
{
  return (strlen (text) <= 254
          && g_regex_match_simple ("\\A[A-Za-z0-9][A-Za-z0-9._+=-]*@[A-Za-z0-9][A-Za-z0-9.-]*\\z",
                                   text, 0, 0))
         || refuse (error, "must be a plain mail address, such as ops@example.org");
}

char *
vb_config_parse_mailbox (const char *text, GError **error)
{
  return vb_config_check_mailbox (text, error) ? g_strdup (text) : NULL;
}

char *
vb_config_parse_address (const char *text, GError **error)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  if (address != NULL)
    return g_inet_address_to_string (address);

  refuse (error, "must be IP addresses, such as 127.0.0.1, separated by “;”");
  return NULL;
}
