/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Characters and strings of the parser. */
#include "vb-json-reader.h"

#include <string.h>

gboolean
vb_json_reader_fail (VbJsonReader *reader, const char *what)
{
  g_set_error_literal (reader->error, VB_JSON_TEXT_ERROR, VB_JSON_TEXT_ERROR_SYNTAX, what);
  return FALSE;
}

char
vb_json_reader_peek (VbJsonReader *reader)
{
  return reader->at < reader->end ? *reader->at : '\0';
}

gboolean
vb_json_reader_take (VbJsonReader *reader, char wanted)
{
  if (reader->at >= reader->end || *reader->at != wanted)
    return FALSE;

  reader->at++;
  return TRUE;
}

static gboolean
read_hex4 (VbJsonReader *reader, gunichar *unit)
{
  *unit = 0;
  for (int i = 0; i < 4; i++)
    {
      int digit = reader->at < reader->end ? g_ascii_xdigit_value (*reader->at) : -1;

      if (digit < 0)
        return vb_json_reader_fail (reader, "a \\u escape needs four hexadecimal digits");

      *unit = *unit * 16 + (gunichar) digit;
      reader->at++;
    }

  return TRUE;
}

static gboolean
read_unicode_escape (VbJsonReader *reader, GString *text)
{
  gunichar unit, low;

  if (!read_hex4 (reader, &unit))
    return FALSE;

  if (unit >= 0xd800 && unit < 0xdc00)
    {
      if (!vb_json_reader_take (reader, '\\') || !vb_json_reader_take (reader, 'u')
          || !read_hex4 (reader, &low) || low < 0xdc00 || low > 0xdfff)
        {
          g_clear_error (reader->error);
          return vb_json_reader_fail (reader, "half of a surrogate pair");
        }
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
  else if (unit >= 0xdc00 && unit < 0xe000)
    {
      return vb_json_reader_fail (reader, "half of a surrogate pair");
    }

  /* Our strings end with a NUL, so one inside would hide what follows. */
  if (unit == 0)
    return vb_json_reader_fail (reader, "a NUL character");

  g_string_append_unichar (text, unit);
  return TRUE;
}

static gboolean
read_escape (VbJsonReader *reader, GString *text)
{
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  char letter = vb_json_reader_peek (reader);
  const char *found;

  if (letter == '\0')
    return vb_json_reader_fail (reader, "an unfinished string");

  reader->at++;
  if (letter == 'u')
    return read_unicode_escape (reader, text);

  found = strchr (letters, letter);
  if (found == NULL)
    return vb_json_reader_fail (reader, "an unknown escape");

  g_string_append_c (text, meanings[found - letters]);
  return TRUE;
}

char *
vb_json_reader_read_string (VbJsonReader *reader)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (!vb_json_reader_take (reader, '"'))
    {
      vb_json_reader_fail (reader, "a string was expected");
      return NULL;
    }

  while (!vb_json_reader_take (reader, '"'))
    {
      guchar c = (guchar) vb_json_reader_peek (reader);

      if (c < 0x20)
        {
          vb_json_reader_fail (reader, "an unfinished string or a control character");
          return NULL;
        }

      reader->at++;
      if (c != '\\')
        g_string_append_c (text, (char) c);
      else if (!read_escape (reader, text))
        return NULL;
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}
