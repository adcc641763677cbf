/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-json-reader.h"

#include <math.h>
#include <string.h>

GQuark
vb_json_text_error_quark (void)
{
  return g_quark_from_static_string ("vb-json-text-error-quark");
}

static JsonNode *read_value (VbJsonReader *reader);

static void
skip_space (VbJsonReader *reader)
{
  while (reader->at < reader->end && *reader->at != '\0' && strchr (" \t\r\n", *reader->at) != NULL)
    reader->at++;
}

static guint
skip_digits (VbJsonReader *reader)
{
  guint n = 0;

  for (; g_ascii_isdigit (vb_json_reader_peek (reader)); n++)
    reader->at++;

  return n;
}

static gboolean
scan_number (VbJsonReader *reader, gboolean *is_integer)
{
  *is_integer = TRUE;
  vb_json_reader_take (reader, '-');

  if (vb_json_reader_take (reader, '0'))
    {
      if (g_ascii_isdigit (vb_json_reader_peek (reader)))
        return vb_json_reader_fail (reader, "a number with a leading zero");
    }
  else if (skip_digits (reader) == 0)
    {
      return vb_json_reader_fail (reader, "a value was expected");
    }

  if (vb_json_reader_take (reader, '.'))
    {
      *is_integer = FALSE;
      if (skip_digits (reader) == 0)
        return vb_json_reader_fail (reader, "a number without digits after the point");
    }

  if (vb_json_reader_peek (reader) == 'e' || vb_json_reader_peek (reader) == 'E')
    {
      *is_integer = FALSE;
      reader->at++;
      if (!vb_json_reader_take (reader, '-'))
        vb_json_reader_take (reader, '+');
      if (skip_digits (reader) == 0)
        return vb_json_reader_fail (reader, "a number without digits in its exponent");
    }

  return TRUE;
}

static JsonNode *
read_number (VbJsonReader *reader)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_VALUE);
  g_autofree char *text = NULL;
  const char *start = reader->at;
  gboolean is_integer;
  double value;

  if (!scan_number (reader, &is_integer))
    return NULL;

  text = g_strndup (start, (gsize) (reader->at - start));
  if (is_integer)
    {
      gint64 integer;

      if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &integer, NULL))
        {
          vb_json_reader_fail (reader, "an integer that does not fit in 64 bits");
          return NULL;
        }
      json_node_set_int (node, integer);
      return g_steal_pointer (&node);
    }

  value = g_ascii_strtod (text, NULL);
  if (!isfinite (value))
    {
      vb_json_reader_fail (reader, "a number that is too large");
      return NULL;
    }

  json_node_set_double (node, value);
  return g_steal_pointer (&node);
}

static gboolean
read_word (VbJsonReader *reader, const char *word)
{
  gsize length = strlen (word);

  if ((gsize) (reader->end - reader->at) < length || memcmp (reader->at, word, length) != 0)
    return vb_json_reader_fail (reader, "a value was expected");

  reader->at += length;
  return TRUE;
}

static JsonNode *
read_boolean (VbJsonReader *reader, const char *word, gboolean value)
{
  JsonNode *node;

  if (!read_word (reader, word))
    return NULL;

  node = json_node_new (JSON_NODE_VALUE);
  json_node_set_boolean (node, value);
  return node;
}

static gboolean
read_member (VbJsonReader *reader, JsonObject *object)
{
  g_autofree char *key = NULL;
  JsonNode *value;

  skip_space (reader);
  key = vb_json_reader_read_string (reader);
  if (key == NULL)
    return FALSE;

  if (json_object_has_member (object, key))
    return vb_json_reader_fail (reader, "a key that is given twice");

  skip_space (reader);
  if (!vb_json_reader_take (reader, ':'))
    return vb_json_reader_fail (reader, "a colon was expected");

  value = read_value (reader);
  if (value == NULL)
    return FALSE;

  json_object_set_member (object, key, value);
  return TRUE;
}

static JsonNode *
read_object (VbJsonReader *reader)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonNode *node;

  reader->at++;
  skip_space (reader);
  if (!vb_json_reader_take (reader, '}'))
    {
      do
        {
          if (!read_member (reader, object))
            return NULL;
          skip_space (reader);
      } while (vb_json_reader_take (reader, ','));

      if (!vb_json_reader_take (reader, '}'))
        {
          vb_json_reader_fail (reader, "an unfinished object");
          return NULL;
        }
    }

  node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, object);
  return node;
}

static JsonNode *
read_array (VbJsonReader *reader)
{
  g_autoptr (JsonArray) array = json_array_new ();
  JsonNode *node;

  reader->at++;
  skip_space (reader);
  if (!vb_json_reader_take (reader, ']'))
    {
      do
        {
          JsonNode *element = read_value (reader);

          if (element == NULL)
            return NULL;
          json_array_add_element (array, element);
          skip_space (reader);
      } while (vb_json_reader_take (reader, ','));

      if (!vb_json_reader_take (reader, ']'))
        {
          vb_json_reader_fail (reader, "an unfinished array");
          return NULL;
        }
    }

  node = json_node_new (JSON_NODE_ARRAY);
  json_node_set_array (node, array);
  return node;
}

static JsonNode *
read_container (VbJsonReader *reader)
{
  JsonNode *node;

  if (reader->depth == VB_JSON_DEPTH_MAX)
    {
      g_set_error (reader->error, VB_JSON_TEXT_ERROR, VB_JSON_TEXT_ERROR_TOO_DEEP,
                   "more than %d levels", VB_JSON_DEPTH_MAX);
      return NULL;
    }

  reader->depth++;
  node = vb_json_reader_peek (reader) == '{' ? read_object (reader) : read_array (reader);
  reader->depth--;
  return node;
}

static JsonNode *
read_value (VbJsonReader *reader)
{
  skip_space (reader);
  switch (vb_json_reader_peek (reader))
    {
    case '{':
    case '[':
      return read_container (reader);
      case '"': {
        g_autofree char *text = vb_json_reader_read_string (reader);
        JsonNode *node;

        if (text == NULL)
          return NULL;
        node = json_node_new (JSON_NODE_VALUE);
        json_node_set_string (node, text);
        return node;
      }
    case 't':
      return read_boolean (reader, "true", TRUE);
    case 'f':
      return read_boolean (reader, "false", FALSE);
    case 'n':
      return read_word (reader, "null") ? json_node_new (JSON_NODE_NULL) : NULL;
    default:
      return read_number (reader);
    }
}

JsonNode *
vb_json_text_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) problem = NULL;
  VbJsonReader reader = { .at = text, .end = text + length, .error = &problem };

  if (!g_utf8_validate_len (text, length, NULL))
    {
      vb_json_reader_fail (&reader, "invalid UTF-8 or a NUL character");
    }
  else
    {
      node = read_value (&reader);
      skip_space (&reader);
      if (node != NULL && reader.at != reader.end)
        vb_json_reader_fail (&reader, "something after the end");
    }

  if (problem != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return NULL;
    }

  return g_steal_pointer (&node);
}

const char *
vb_json_get_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}
