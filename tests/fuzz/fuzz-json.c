/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON from clients: what is accepted can be printed, and what is printed is accepted again. */
#include <string.h>

#include "fuzz.h"
#include "json/vb-json-text.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = vb_json_text_parse ((const char *) data, size, &error);
  g_autoptr (JsonNode) again = NULL;
  g_autofree char *text = NULL;
  g_autofree char *text_again = NULL;

  g_assert_true ((node == NULL) == (error != NULL));
  if (node == NULL)
    return 0;

  text = vb_json_text_print (node);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  again = vb_json_text_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  text_again = vb_json_text_print (again);
  g_assert_cmpstr (text, ==, text_again);
  return 0;
}
