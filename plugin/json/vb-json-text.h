/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** VB_JSON_DEPTH_MAX: levels of objects and arrays that a client's text may have */
#define VB_JSON_DEPTH_MAX 32

/**
 * VbJsonTextError:
 * @VB_JSON_TEXT_ERROR_SYNTAX: not JSON, or beyond our limits
 * @VB_JSON_TEXT_ERROR_TOO_DEEP: more than %VB_JSON_DEPTH_MAX levels
 *
 * Errors of vb_json_text_parse().
 */
#define VB_JSON_TEXT_ERROR (vb_json_text_error_quark ())
typedef enum
{
  VB_JSON_TEXT_ERROR_SYNTAX,
  VB_JSON_TEXT_ERROR_TOO_DEEP,
} VbJsonTextError;

GQuark vb_json_text_error_quark (void);

/**
 * vb_json_text_parse:
 * @text: text of a stranger, need not end with a NUL
 * @length: its bytes
 * @error: (out) (optional): of #VB_JSON_TEXT_ERROR; never quotes @text
 *
 * Parses one JSON text strictly as RFC 8259. json-glib's own parser is not used for what comes from
 * outside: it recurses without limit, takes comments and assignments for JSON, keeps the last of
 * two equal keys and wraps large integers round. Here those are errors: more than 32 levels, a
 * repeated key, a number that fits neither a 64-bit integer nor a finite double, a NUL character,
 * invalid UTF-8. Any thread.
 *
 * Returns: (transfer full) (nullable): the root node
 */
JsonNode *vb_json_text_parse (const char *text, gsize length, GError **error);

/**
 * vb_json_text_print:
 * @node: any node
 *
 * Unlike json-glib's generator it writes 12.3 as "12.3", not as "12.300000000000001". Any thread.
 *
 * Returns: (transfer full): the text on one line
 */
char *vb_json_text_print (JsonNode *node);

/** vb_json_get_text: Returns: (transfer none) (nullable): member @name of @object if it is there
 * and a string */
const char *vb_json_get_text (JsonObject *object, const char *name);

G_END_DECLS
