/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbConfigLine:
 * @number: counted from 1
 * @group: the group it stands in
 * @key: its key, %NULL for the line that opens the group
 * @value: (nullable): its value, without the spaces and the comment around it
 *
 * A line of the config file that says something.
 */
typedef struct
{
  guint number;
  char *group;
  char *key;
  char *value;
} VbConfigLine;

/**
 * vb_config_lines_parse:
 * @text: contents of the file
 * @bad_line: (out): the line that is at fault, 0 if no single one is
 *
 * Reads a GLib key file and remembers the lines, which #GKeyFile does not. One thing is added to
 * the format: in a value a `#` after a space begins a comment. Any thread.
 *
 * Returns: (transfer full) (element-type VbConfigLine) (nullable): the lines in their order
 */
GPtrArray *vb_config_lines_parse (const char *text, gsize length, guint *bad_line, GError **error);

G_END_DECLS
