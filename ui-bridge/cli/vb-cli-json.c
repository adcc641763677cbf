/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON in and out, for all commands. */
#include "vb-cli-error.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"
#include "json/vb-json-text.h"

void
vb_cli_print_json (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;

  json_node_set_object (node, object);
  text = vb_json_text_print (node);
  /* JSON is UTF-8 whatever the locale says. */
  fprintf (stdout, "%s\n", text);
  fflush (stdout);
}

JsonObject *
vb_cli_call (VbCli *self, const char *method, JsonObject *params, GError **error)
{
  g_autoptr (JsonNode) result = vb_cli_client_call (self->client, method, params, error);

  if (result == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (result))
    {
      g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
                   _ ("The service sent something else than the protocol says for %s; see whether "
                      "it has the version of this program."),
                   method);
      return NULL;
    }
  return json_node_dup_object (result);
}

JsonObject *
vb_cli_params (const char *name, ...)
{
  JsonObject *params = json_object_new ();
  va_list arguments;

  va_start (arguments, name);
  for (; name != NULL; name = va_arg (arguments, const char *))
    {
      const char *value = va_arg (arguments, const char *);

      if (value != NULL)
        json_object_set_string_member (params, name, value);
    }
  va_end (arguments);
  return params;
}

static JsonNode *
get_node (JsonObject *object, const char *name, JsonNodeType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_TYPE (node) == type ? node : NULL;
}

const char *
vb_cli_get_string (JsonObject *object, const char *name)
{
  JsonNode *node = get_node (object, name, JSON_NODE_VALUE);

  return node != NULL ? json_node_get_string (node) : NULL;
}

JsonObject *
vb_cli_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = get_node (object, name, JSON_NODE_OBJECT);

  return node != NULL ? json_node_get_object (node) : NULL;
}

JsonArray *
vb_cli_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = get_node (object, name, JSON_NODE_ARRAY);

  return node != NULL ? json_node_dup_array (node) : json_array_new ();
}

gint64
vb_cli_get_int (JsonObject *object, const char *name)
{
  JsonNode *node = get_node (object, name, JSON_NODE_VALUE);

  return node != NULL ? json_node_get_int (node) : 0;
}

double
vb_cli_get_double (JsonObject *object, const char *name)
{
  JsonNode *node = get_node (object, name, JSON_NODE_VALUE);

  return node != NULL ? json_node_get_double (node) : 0;
}

gboolean
vb_cli_get_boolean (JsonObject *object, const char *name)
{
  JsonNode *node = get_node (object, name, JSON_NODE_VALUE);

  return node != NULL && json_node_get_boolean (node);
}
