/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Strict reading of JSON that others may have written. */

/**
 * vb_strict_json_parse:
 * @text: not necessarily UTF-8, not necessarily JSON
 * @length: its bytes
 *
 * json-glib parses recursively, so how deep it nests is looked at first.
 *
 * Returns: (transfer full) (nullable): the object
 */
JsonObject *vb_strict_json_parse (const char *text, gsize length, GError **error);

/** vb_strict_json_get_string: Returns: (transfer none) (nullable): %NULL unless @member is a
 * string */
const char *vb_strict_json_get_string (JsonObject *object, const char *member);

/** vb_strict_json_get_bytes: @value: (out): a size. Returns: %FALSE unless @member is an integer
 * that is not negative */
gboolean vb_strict_json_get_bytes (JsonObject *object, const char *member, guint64 *value);

/** vb_strict_json_get_boolean: @value: (out). Returns: %FALSE unless @member is a boolean */
gboolean vb_strict_json_get_boolean (JsonObject *object, const char *member, gboolean *value);

/** vb_strict_json_is_null: whether @member is there and null */
gboolean vb_strict_json_is_null (JsonObject *object, const char *member);

/** vb_strict_json_get_array: Returns: (transfer none) (nullable): %NULL unless @member is an array
 * of objects only */
JsonArray *vb_strict_json_get_array (JsonObject *object, const char *member);

G_END_DECLS
