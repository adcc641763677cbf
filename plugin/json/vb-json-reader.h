/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-json-text.h"

G_BEGIN_DECLS

/* What the parts of the parser share; for them only. */
typedef struct
{
  const char *at;
  const char *end;
  guint depth;
  GError **error;
} VbJsonReader;

/** vb_json_reader_fail: sets the error; Returns: %FALSE */
gboolean vb_json_reader_fail (VbJsonReader *reader, const char *what);
/** vb_json_reader_peek: Returns: the next character, NUL at the end */
char vb_json_reader_peek (VbJsonReader *reader);
/** vb_json_reader_take: Returns: whether the next character is @wanted; then it is read */
gboolean vb_json_reader_take (VbJsonReader *reader, char wanted);
/** vb_json_reader_read_string: Returns: (transfer full) (nullable): the string that begins here,
 * its quotes and escapes resolved */
char *vb_json_reader_read_string (VbJsonReader *reader);

G_END_DECLS
