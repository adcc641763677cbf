/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-strict-json.h"

#include <string.h>

#include "core/base/vb-error.h"

#define MAX_DEPTH 16

/* One object with nothing before or behind it, and not nested deeply: json-glib parses recursively,
 * and takes several values one after the other, of which it leaks all but the last. */
static gboolean
is_one_shallow_object (const char *text, gsize length)
{
  guint depth = 0;
  gboolean in_string = FALSE, begun = FALSE;

  for (gsize i = 0; i < length; i++)
    {
      if (depth == 0 && !g_ascii_isspace (text[i]) && (begun || text[i] != '{'))
        return FALSE;
      begun = begun || text[i] == '{';
      if (in_string && text[i] == '\\')
        i++;
      else if (text[i] == '"')
        in_string = !in_string;
      else if (!in_string && (text[i] == '{' || text[i] == '['))
        {
          if (++depth > MAX_DEPTH)
            return FALSE;
        }
      else if (!in_string && (text[i] == '}' || text[i] == ']') && depth > 0)
        depth--;
    }
  return TRUE;
}

static char *
unescape (const char *text, gsize length)
{
  g_autofree char *quoted = g_strndup (text, length);
  g_autoptr (JsonNode) node = json_from_string (quoted, NULL);

  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_dup_string (node)
                                              : g_steal_pointer (&quoted);
}

static gsize
end_of_string (const char *text, gsize length, gsize at)
{
  for (at++; at < length && text[at] != '"'; at++)
    if (text[at] == '\\')
      at++;
  return at + 1;
}

static void
set_unref (gpointer set)
{
  g_hash_table_unref (set);
}

/* json-glib takes the last of two members of one name, others the first: what one of them checks
 * is not what the other uses. @text is known to be JSON. */
static gboolean
has_repeated_member (const char *text, gsize length)
{
  g_autoptr (GPtrArray) open = g_ptr_array_new_with_free_func (set_unref);

  for (gsize i = 0; i < length; i++)
    if (text[i] == '{' || text[i] == '[')
      g_ptr_array_add (open, g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL));
    else if ((text[i] == '}' || text[i] == ']') && open->len > 0)
      g_ptr_array_remove_index (open, open->len - 1);
    else if (text[i] == '"')
      {
        gsize end = end_of_string (text, length, i), next = end;

        while (next < length && g_ascii_isspace (text[next]))
          next++;
        if (next < length && text[next] == ':' && open->len > 0
            && !g_hash_table_add (g_ptr_array_index (open, open->len - 1),
                                  unescape (text + i, end - i)))
          return TRUE;
        i = end - 1;
      }
  return FALSE;
}

JsonObject *
vb_strict_json_parse (const char *text, gsize length, GError **error)
{
  if (length > G_MAXSSIZE || !g_utf8_validate_len (text, length, NULL)
      || !is_one_shallow_object (text, length))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "It is not one JSON object");
      return NULL;
    }

  g_autoptr (GError) local = NULL;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, text, (gssize) length, &local))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "It is not JSON: %s", local->message);
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "It is not a JSON object");
      return NULL;
    }
  if (has_repeated_member (text, length))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "It says something twice");
      return NULL;
    }
  return json_object_ref (json_node_get_object (root));
}

static JsonNode *
get_value (JsonObject *object, const char *member, GType type)
{
  JsonNode *node = json_object_get_member (object, member);
  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type ? node
                                                                                         : NULL;
}

const char *
vb_strict_json_get_string (JsonObject *object, const char *member)
{
  JsonNode *node = get_value (object, member, G_TYPE_STRING);
  return node ? json_node_get_string (node) : NULL;
}

gboolean
vb_strict_json_get_bytes (JsonObject *object, const char *member, guint64 *value)
{
  JsonNode *node = get_value (object, member, G_TYPE_INT64);
  if (node == NULL || json_node_get_int (node) < 0)
    return FALSE;
  *value = (guint64) json_node_get_int (node);
  return TRUE;
}

gboolean
vb_strict_json_get_boolean (JsonObject *object, const char *member, gboolean *value)
{
  JsonNode *node = get_value (object, member, G_TYPE_BOOLEAN);
  if (node)
    *value = json_node_get_boolean (node);
  return node != NULL;
}

gboolean
vb_strict_json_is_null (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);
  return node && JSON_NODE_HOLDS_NULL (node);
}

JsonArray *
vb_strict_json_get_array (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return NULL;

  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!JSON_NODE_HOLDS_OBJECT (json_array_get_element (array, i)))
      return NULL;
  return array;
}
