/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-json-text.h"

static void print_node (JsonNode *node, GString *out);

static void
print_string (const char *text, GString *out)
{
  g_autofree char *valid = NULL;

  /* A domain's name is whatever its owner typed; one bad byte must not end a client's
   * connection. */
  if (!g_utf8_validate (text, -1, NULL))
    text = valid = g_utf8_make_valid (text, -1);

  g_string_append_c (out, '"');
  for (const char *p = text; *p != '\0'; p++)
    {
      guchar c = (guchar) *p;

      if (c == '"' || c == '\\')
        g_string_append_printf (out, "\\%c", c);
      else if (c == '\n')
        g_string_append (out, "\\n");
      else if (c < 0x20 || c == 0x7f)
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_c (out, (char) c);
    }
  g_string_append_c (out, '"');
}

/* The shortest of 15 to 17 digits that reads back as the same number. */
static void
print_double (double value, GString *out)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  for (int digits = 15; digits <= 17; digits++)
    {
      char format[8];

      g_snprintf (format, sizeof format, "%%.%dg", digits);
      g_ascii_formatd (buffer, sizeof buffer, format, value);
      if (g_ascii_strtod (buffer, NULL) == value)
        break;
    }
  /* -0 would be read back as the integer, which has no sign. */
  g_string_append (out, value == 0 ? "0" : buffer);
}

static void
print_value (JsonNode *node, GString *out)
{
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_BOOLEAN:
      g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
      break;
    case G_TYPE_INT64:
      g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
      break;
    case G_TYPE_DOUBLE:
      print_double (json_node_get_double (node), out);
      break;
    default:
      print_string (json_node_get_string (node), out);
    }
}

static void
print_object (JsonObject *object, GString *out)
{
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;
  gboolean first = TRUE;

  g_string_append_c (out, '{');
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &key, &value))
    {
      if (!first)
        g_string_append_c (out, ',');
      first = FALSE;
      print_string (key, out);
      g_string_append_c (out, ':');
      print_node (value, out);
    }
  g_string_append_c (out, '}');
}

static void
print_array (JsonArray *array, GString *out)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      print_node (json_array_get_element (array, i), out);
    }
  g_string_append_c (out, ']');
}

static void
print_node (JsonNode *node, GString *out)
{
  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      print_object (json_node_get_object (node), out);
      break;
    case JSON_NODE_ARRAY:
      print_array (json_node_get_array (node), out);
      break;
    case JSON_NODE_VALUE:
      print_value (node, out);
      break;
    case JSON_NODE_NULL:
      g_string_append (out, "null");
      break;
    }
}

char *
vb_json_text_print (JsonNode *node)
{
  GString *out = g_string_sized_new (256);

  print_node (node, out);
  return g_string_free (out, FALSE);
}
