/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-panel-files.h"

#include <string.h>

#include "vb-panel-resources.h"

#define RESOURCES "/org/vps-backup"
#define PREFIX "/panel/"
#define INDEX PREFIX "index.html"
/* What the page calls itself where its operator has no name for it. */
#define BRAND "VPS Backup"
/* A folder of this many hexadecimal digits is named by what is in it. */
#define FOLDER_DIGITS 12

struct _VbPanelFiles
{
  char *policy;
  GBytes *index;
  GBytes *index_gzip;
};

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
  const char *suffix;
} Encoding;

/* What is shorter comes first. A build without brotli has no files of that kind. */
static const Encoding encodings[] = {
  { "br", ".br" },
  { "gzip", ".gz" },
  { NULL },
};

typedef struct
{
  const char *name;
  const char *value;
} Header;

static const Header headers[] = {
  { "X-Content-Type-Options", "nosniff" },
  { "Referrer-Policy", "no-referrer" },
  { "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
  /* An operator's page loads the modules from here. */
  { "Access-Control-Allow-Origin", "*" },
  { "Cross-Origin-Resource-Policy", "cross-origin" },
  { "Vary", "Accept-Encoding" },
  { NULL },
};

/* The page, filled in */

static void
append_attribute (GString *text, const char *name, const char *value)
{
  g_autofree char *escaped = NULL;

  if (value == NULL || *value == '\0')
    return;
  escaped = g_markup_escape_text (value, -1);
  g_string_append_printf (text, " %s=\"%s\"", name, escaped);
}

static GBytes *
look_up (const char *path, const char *suffix)
{
  g_autofree char *resource_path = g_strconcat (RESOURCES, path, suffix, NULL);

  return g_resource_lookup_data (vb_panel_get_resource (), resource_path,
                                 G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}

static GBytes *
fill_in (const VbPanelSettings *settings)
{
  g_autoptr (GBytes) plain = look_up (INDEX, NULL);
  gsize size;
  const char *data = g_bytes_get_data (plain, &size);
  g_autoptr (GString) page = g_string_new_len (data, (gssize) size);
  g_autoptr (GString) element = g_string_new ("<vps-backup-app");

  if (settings->brand != NULL && *settings->brand != '\0')
    {
      g_autofree char *brand = g_markup_escape_text (settings->brand, -1);

      g_string_replace (page, BRAND, brand, 0);
    }
  append_attribute (element, "price", settings->price);
  append_attribute (element, "currency", settings->currency);
  append_attribute (element, "support-url", settings->support_url);
  append_attribute (element, "data-accent", settings->accent);
  append_attribute (element, "data-slots-request", settings->slots_request);
  g_string_replace (page, "<vps-backup-app", element->str, 1);
  return g_string_free_to_bytes (g_steal_pointer (&page));
}

static GBytes *
compress (GBytes *content)
{
  g_autoptr (GConverter) compressor
      = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9));
  gsize size, n_read, n_written = 0;
  const char *data = g_bytes_get_data (content, &size);
  /* What cannot be made shorter grows by a few bytes. */
  const gsize room = size + 1024;
  g_autofree char *packed = g_malloc (room);

  g_converter_convert (compressor, data, size, packed, room, G_CONVERTER_INPUT_AT_END, &n_read,
                       &n_written, NULL);
  return g_bytes_new_take (g_steal_pointer (&packed), n_written);
}

static char *
make_policy (const VbPanelSettings *settings)
{
  g_autofree char *others = NULL;

  if (settings->frame_ancestors != NULL)
    others = g_strjoinv (" ", (char **) settings->frame_ancestors);
  return g_strconcat ("default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
                      "frame-ancestors 'self'",
                      others != NULL && *others != '\0' ? " " : "", others, NULL);
}

/* Requests */

static const char *
content_type_of (const char *path)
{
  for (const FileType *type = file_types; type->suffix; type++)
    if (g_str_has_suffix (path, type->suffix))
      return type->content_type;
  return "application/octet-stream";
}

/* Whatever changes in such a folder, its name changes with it. */
static gboolean
is_for_good (const char *path)
{
  const char *folder = path + strlen (PREFIX);

  return strspn (folder, "0123456789abcdef") == FOLDER_DIGITS && folder[FOLDER_DIGITS] == '/';
}

static gboolean
takes (SoupServerMessage *message, const char *encoding)
{
  const char *accepted = soup_message_headers_get_list (
      soup_server_message_get_request_headers (message), "Accept-Encoding");
  GSList *taken = NULL;
  gboolean found = FALSE;

  if (accepted == NULL)
    return FALSE;
  taken = soup_header_parse_quality_list (accepted, NULL);
  for (GSList *one = taken; one != NULL; one = one->next)
    found |= g_ascii_strcasecmp (one->data, encoding) == 0;
  soup_header_free_list (taken);
  return found;
}

/* The page is filled in at run time; the rest was packed when it was built.
 * @encoding: (out) (nullable): how it is packed
 * Returns: (transfer full) (nullable): what to send for it */
static GBytes *
find (VbPanelFiles *self, SoupServerMessage *message, const char *path, const char **encoding)
{
  *encoding = NULL;
  if (g_str_equal (path, INDEX))
    {
      if (!takes (message, "gzip"))
        return g_bytes_ref (self->index);
      *encoding = "gzip";
      return g_bytes_ref (self->index_gzip);
    }
  for (const Encoding *one = encodings; one->name; one++)
    {
      GBytes *packed = NULL;

      /* The packed ones have no address of their own. */
      if (g_str_has_suffix (path, one->suffix))
        return NULL;
      if (takes (message, one->name))
        packed = look_up (path, one->suffix);
      if (packed != NULL)
        {
          *encoding = one->name;
          return packed;
        }
    }
  return look_up (path, NULL);
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
answer_file (VbPanelFiles *self,
             SoupServerMessage *message,
             const char *path,
             GBytes *content,
             const char *encoding)
{
  SoupMessageHeaders *response = soup_server_message_get_response_headers (message);
  g_autofree char *etag = make_etag (content);

  for (const Header *header = headers; header->name; header++)
    soup_message_headers_replace (response, header->name, header->value);
  soup_message_headers_replace (response, "Content-Security-Policy", self->policy);
  /* A name without a version has to be asked for again; the ETag makes the answer short. */
  soup_message_headers_replace (response, "Cache-Control",
                                is_for_good (path) ? "public, max-age=31536000, immutable"
                                                   : "no-cache");
  if (encoding != NULL)
    soup_message_headers_replace (response, "Content-Encoding", encoding);
  soup_message_headers_replace (response, "ETag", etag);
  soup_message_headers_replace (response, "Content-Type", content_type_of (path));
  soup_message_body_append_bytes (soup_server_message_get_response_body (message), content);
  soup_server_message_set_status (
      message, matches_etag (message, etag) ? SOUP_STATUS_NOT_MODIFIED : SOUP_STATUS_OK, NULL);
}

void
vb_panel_files_handle (VbPanelFiles *self, SoupServerMessage *message, const char *path)
{
  SoupMessageHeaders *response = soup_server_message_get_response_headers (message);
  const char *method = soup_server_message_get_method (message);
  g_autoptr (GBytes) content = NULL;
  const char *encoding = NULL;

  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD)
    {
      soup_message_headers_replace (response, "Allow", "GET, HEAD");
      soup_server_message_set_status (message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
      return;
    }
  if (g_str_equal (path, "/panel"))
    {
      /* Relative, so that it is right behind a proxy that serves us below a path of its own. */
      soup_message_headers_replace (response, "Location", "panel/");
      soup_server_message_set_status (message, SOUP_STATUS_PERMANENT_REDIRECT, NULL);
      return;
    }
  if (g_str_equal (path, PREFIX))
    path = INDEX;
  if (g_str_has_prefix (path, PREFIX))
    content = find (self, message, path, &encoding);
  if (content)
    answer_file (self, message, path, content, encoding);
  else
    soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
}

VbPanelFiles *
vb_panel_files_new (const VbPanelSettings *settings)
{
  static const VbPanelSettings nothing = { 0 };
  VbPanelFiles *self = g_new0 (VbPanelFiles, 1);

  if (settings == NULL)
    settings = &nothing;
  self->policy = make_policy (settings);
  self->index = fill_in (settings);
  self->index_gzip = compress (self->index);
  return self;
}

void
vb_panel_files_free (VbPanelFiles *self)
{
  g_free (self->policy);
  g_bytes_unref (self->index);
  g_bytes_unref (self->index_gzip);
  g_free (self);
}
