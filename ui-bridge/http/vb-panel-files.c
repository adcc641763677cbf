/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-panel-files.h"

#include "vb-panel-resources.h"

#define PREFIX "/panel/"
#define INDEX "index.html"

typedef struct
{
  const char *suffix;
  const char *content_type;
} FileType;

static const FileType file_types[] = {
  { ".html", "text/html; charset=utf-8" },
  { ".js", "text/javascript; charset=utf-8" },
  { ".css", "text/css; charset=utf-8" },
  { ".json", "application/json" },
  { ".svg", "image/svg+xml" },
  { NULL },
};

typedef struct
{
  const char *name;
  const char *value;
} Header;

static const Header headers[] = {
  /* Names carry no version, so a cache has to ask; the ETag makes the answer short. */
  { "Cache-Control", "no-cache" },
  { "X-Content-Type-Options", "nosniff" },
  { "Referrer-Policy", "no-referrer" },
  { "Content-Security-Policy",
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'" },
  { "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
  /* An operator's page loads the modules from here. */
  { "Access-Control-Allow-Origin", "*" },
  { "Cross-Origin-Resource-Policy", "cross-origin" },
  { NULL },
};

static const char *
content_type_of (const char *path)
{
  for (const FileType *type = file_types; type->suffix; type++)
    if (g_str_has_suffix (path, type->suffix))
      return type->content_type;
  return "application/octet-stream";
}

static GBytes *
look_up (const char *path)
{
  g_autofree char *resource_path = NULL;

  resource_path
      = g_strconcat ("/org/vps-backup", path, g_str_equal (path, PREFIX) ? INDEX : "", NULL);
  return g_resource_lookup_data (vb_panel_get_resource (), resource_path,
                                 G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}

static char *
make_etag (GBytes *content)
{
  g_autofree char *checksum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, content);

  return g_strdup_printf ("\"%.32s\"", checksum);
}

/* If-None-Match compares weakly: a proxy that compresses may have made the tag weak. */
static gboolean
matches_etag (SoupServerMessage *message, const char *etag)
{
  const char *wanted = NULL;
  g_auto (GStrv) tags = NULL;

  wanted = soup_message_headers_get_list (soup_server_message_get_request_headers (message),
                                          "If-None-Match");
  if (!wanted)
    return FALSE;
  tags = g_strsplit (wanted, ",", -1);
  for (char **tag = tags; *tag; tag++)
    {
      const char *value = g_strstrip (*tag);

      if (g_str_has_prefix (value, "W/"))
        value += 2;
      if (g_str_equal (value, etag) || g_str_equal (value, "*"))
        return TRUE;
    }
  return FALSE;
}

static void
answer_file (SoupServerMessage *message, const char *path, GBytes *content)
{
  SoupMessageHeaders *response = soup_server_message_get_response_headers (message);
  g_autofree char *etag = make_etag (content);

  for (const Header *header = headers; header->name; header++)
    soup_message_headers_replace (response, header->name, header->value);
  soup_message_headers_replace (response, "ETag", etag);
  soup_message_headers_replace (response, "Content-Type",
                                content_type_of (g_str_equal (path, PREFIX) ? INDEX : path));
  soup_message_body_append_bytes (soup_server_message_get_response_body (message), content);
  soup_server_message_set_status (
      message, matches_etag (message, etag) ? SOUP_STATUS_NOT_MODIFIED : SOUP_STATUS_OK, NULL);
}

void
vb_panel_files_handle (SoupServerMessage *message, const char *path)
{
  const char *method = soup_server_message_get_method (message);
  g_autoptr (GBytes) content = NULL;

  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD)
    {
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Allow",
                                    "GET, HEAD");
      soup_server_message_set_status (message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
      return;
    }
  if (g_str_equal (path, "/panel"))
    {
      /* Relative, so that it is right behind a proxy that serves us below a path of its own. */
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Location",
                                    "panel/");
      soup_server_message_set_status (message, SOUP_STATUS_PERMANENT_REDIRECT, NULL);
      return;
    }
  if (g_str_has_prefix (path, PREFIX))
    content = look_up (path);
  if (content)
    answer_file (message, path, content);
  else
    soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
}
