/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-webhook-secret.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"
#include "core/base/vb-safe-open.h"
#include "auth/vb-token-key.h"

#define PREFIX "whsec_"
/* What Standard Webhooks asks for at least. */
#define GOOD_BYTES 24
#define MAX_FILE_BYTES (64 << 10)

struct _VbWebhookSecret
{
  GPtrArray *keys; /* GBytes */
};

/* Padding may be left out, and either alphabet may be used: secrets are copied by hand. */
static GBytes *
decode (const char *text)
{
  g_autofree char *url = g_strdelimit (g_strdup (text), "+", '-');
  gsize length = strlen (g_strdelimit (url, "/", '_'));

  while (length > 0 && url[length - 1] == '=')
    length--;
  return vb_base64url_decode (url, length);
}

static GBytes *
parse_line (const char *line, GError **error)
{
  g_autoptr (GBytes) key = g_str_has_prefix (line, PREFIX) ? decode (line + strlen (PREFIX))
                                                           : g_bytes_new (line, strlen (line));

  if (key == NULL || g_bytes_get_size (key) == 0)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                           _ ("What follows “whsec_” is not base64."));
      return NULL;
    }
  if (g_bytes_get_size (key) < GOOD_BYTES)
    vb_log_warning (NULL, NULL, NULL,
                    "The webhook's secret is short: %" G_GSIZE_FORMAT " bytes; use at least %d",
                    g_bytes_get_size (key), GOOD_BYTES);
  return g_steal_pointer (&key);
}

static VbWebhookSecret *
parse (const char *text, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (VbWebhookSecret) self = g_new0 (VbWebhookSecret, 1);

  self->keys = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      GBytes *key;

      if (*g_strstrip (lines[i]) == '\0')
        continue;
      key = parse_line (lines[i], error);
      if (key == NULL)
        return NULL;
      g_ptr_array_add (self->keys, key);
    }
  if (self->keys->len > 0)
    return g_steal_pointer (&self);
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, _ ("There is no secret in it."));
  return NULL;
}

VbWebhookSecret *
vb_webhook_secret_load (const char *file, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) problem = NULL;
  VbWebhookSecret *self = NULL;

  if (vb_safe_open_read (file, MAX_FILE_BYTES, &text, NULL, &problem))
    self = parse (text, &problem);
  if (self == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                 _ ("The webhook's secret-file %s cannot be used: %s"), file, problem->message);
  return self;
}

void
vb_webhook_secret_free (VbWebhookSecret *self)
{
  g_ptr_array_unref (self->keys);
  g_free (self);
}

char *
vb_webhook_secret_sign (const VbWebhookSecret *self,
                        const char *id,
                        gint64 timestamp_s,
                        const char *body)
{
  g_autofree char *text = g_strdup_printf ("%s.%" G_GINT64_FORMAT ".%s", id, timestamp_s, body);
  GString *header = g_string_new (NULL);

  for (guint i = 0; i < self->keys->len; i++)
    {
      guchar signature[VB_TOKEN_SIGNATURE_BYTES];
      g_autofree char *encoded = NULL;

      vb_token_key_sign (g_ptr_array_index (self->keys, i), text, strlen (text), signature);
      encoded = g_base64_encode (signature, sizeof signature);
      g_string_append_printf (header, "%sv1,%s", i > 0 ? " " : "", encoded);
    }
  return g_string_free (header, FALSE);
}
