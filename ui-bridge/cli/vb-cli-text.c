/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-text.h"

#include <gio/gio.h>

#include "core/base/vb-i18n.h"

#define NOTHING "–"

char *
vb_cli_text_clean (const char *text)
{
  GString *clean = g_string_new (NULL);

  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);

      /* Format characters, too: they can turn the direction of a whole line. */
      switch (g_unichar_type (character))
        {
        case G_UNICODE_CONTROL:
        case G_UNICODE_FORMAT:
        case G_UNICODE_SURROGATE:
        case G_UNICODE_LINE_SEPARATOR:
        case G_UNICODE_PARAGRAPH_SEPARATOR:
          g_string_append_unichar (clean, 0xfffd);
          break;
        default:
          g_string_append_unichar (clean, character);
        }
    }
  return g_string_free (clean, FALSE);
}

char *
vb_cli_text_size (guint64 bytes)
{
  g_autofree char *text = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_auto (GStrv) parts = g_strsplit (text, "\xc2\xa0", -1);

  /* A plain space, for those who search for it. */
  return g_strjoinv (" ", parts);
}

char *
vb_cli_text_time (const char *time)
{
  g_autoptr (GDateTime) utc = time != NULL ? g_date_time_new_from_iso8601 (time, NULL) : NULL;
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;

  return local != NULL ? g_date_time_format (local, "%Y-%m-%d %H:%M:%S") : g_strdup (NOTHING);
}

char *
vb_cli_text_duration (gint64 seconds)
{
  seconds = MAX (seconds, 0);
  if (seconds >= 3600)
    return g_strdup_printf ("%d:%02d:%02d", (int) (seconds / 3600), (int) (seconds / 60 % 60),
                            (int) (seconds % 60));
  return g_strdup_printf ("%d:%02d", (int) (seconds / 60), (int) (seconds % 60));
}

char *
vb_cli_text_elapsed (const char *from, const char *to)
{
  g_autoptr (GDateTime) begin = from != NULL ? g_date_time_new_from_iso8601 (from, NULL) : NULL;
  g_autoptr (GDateTime) end = to != NULL ? g_date_time_new_from_iso8601 (to, NULL) : NULL;

  if (begin == NULL || end == NULL)
    return g_strdup (NOTHING);
  return vb_cli_text_duration (g_date_time_difference (end, begin) / G_TIME_SPAN_SECOND);
}

int
vb_cli_text_width (const char *text)
{
  int width = 0;

  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);

      if (!g_unichar_iszerowidth (character))
        width += g_unichar_iswide (character) ? 2 : 1;
    }
  return width;
}

char *
vb_cli_text_pad (const char *text, int width, gboolean right)
{
  g_autofree char *spaces = g_strnfill (MAX (width - vb_cli_text_width (text), 0), ' ');

  return right ? g_strconcat (spaces, text, NULL) : g_strconcat (text, spaces, NULL);
}

const char *
vb_cli_text_said (const char *message)
{
  /* The translation of "" is the catalogue's header. */
  return message != NULL && *message != '\0' ? _ (message) : "";
}

void
vb_cli_print (FILE *stream, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *local = NULL;
  const char *charset;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (!g_get_charset (&charset))
    local = g_convert_with_fallback (text, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
  fputs (local != NULL ? local : text, stream);
  fflush (stream);
}
