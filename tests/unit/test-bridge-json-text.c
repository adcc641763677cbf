/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "json/vb-json-text.h"

static char *
round_trip (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = vb_json_text_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return vb_json_text_print (node);
}

static void
test_good (void)
{
  static const struct
  {
    const char *text;
    const char *printed;
  } cases[] = {
    { "null", "null" },
    { " \t\r\n[ true , false ]\n", "[true,false]" },
    { "{\"b\":1,\"a\":{}}", "{\"b\":1,\"a\":{}}" },
    { "[0,-0,1,-1,9223372036854775807,-9223372036854775808]",
      "[0,0,1,-1,9223372036854775807,-9223372036854775808]" },
    { "[12.3,1e2,1E-3,0.1,-2.5e+3]", "[12.3,100,0.001,0.1,-2500]" },
    { "[-0.0,0.0,-0e5]", "[0,0,0]" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\u0009\"" },
    { "\"\\u00e4\\u20AC\\ud83d\\ude00\"", "\"ä€😀\"" },
    { "\"ä\"", "\"ä\"" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *printed = round_trip (cases[i].text);

      g_assert_cmpstr (printed, ==, cases[i].printed);
    }
}

static void
test_bad (void)
{
  static const char *const cases[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "{",
    "[",
    "[1,]",
    "[1 2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1}{",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "1e",
    "1e+",
    "0x10",
    "NaN",
    "Infinity",
    "1e999",
    "9223372036854775808",
    "123456789012345678901234567890",
    "\"",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800x\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800\\u12\"",
    "\"\\udc00\"",
    "\"\\u0000\"",
    "\"a\nb\"",
    "// x\n1",
    "/* x */ 1",
    "var a = 1",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\xef\xbb\xbf{}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (vb_json_text_parse (cases[i], strlen (cases[i]), &error));
      g_assert_error (error, VB_JSON_TEXT_ERROR, VB_JSON_TEXT_ERROR_SYNTAX);
    }
}

static void
test_nul (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vb_json_text_parse ("[1\0]", 4, &error));
  g_assert_error (error, VB_JSON_TEXT_ERROR, VB_JSON_TEXT_ERROR_SYNTAX);
}

/* What comes off the wire ends where its length says, and the next byte may be anything or not be
 * there. */
static void
test_length (void)
{
  for (gsize length = 0; length <= 20; length++)
    {
      const char whole[] = "{\"key\":[1,\"x\",true]}";
      g_autofree char *cut = g_memdup2 (whole, length + 1);
      g_autoptr (JsonNode) node = NULL;

      cut = g_realloc (cut, MAX (length, 1));
      node = vb_json_text_parse (cut, length, NULL);
      g_assert_true ((node != NULL) == (length == 20));
    }
}

static char *
nest (guint levels, const char *open, const char *close)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < levels; i++)
    g_string_append (text, open);
  g_string_append (text, "1");
  for (guint i = 0; i < levels; i++)
    g_string_append (text, close);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_depth (void)
{
  g_autofree char *arrays = nest (32, "[", "]");
  g_autofree char *objects = nest (32, "{\"a\":", "}");
  g_autofree char *arrays_too_deep = nest (33, "[", "]");
  g_autofree char *objects_too_deep = nest (33, "{\"a\":", "}");
  g_autofree char *abyss = g_strnfill (1000000, '[');
  const char *const too_deep[] = { arrays_too_deep, objects_too_deep, abyss };

  g_free (round_trip (arrays));
  g_free (round_trip (objects));
  for (gsize i = 0; i < G_N_ELEMENTS (too_deep); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (vb_json_text_parse (too_deep[i], strlen (too_deep[i]), &error));
      g_assert_error (error, VB_JSON_TEXT_ERROR, VB_JSON_TEXT_ERROR_TOO_DEEP);
    }
}

static void
test_breadth (void)
{
  g_autoptr (GString) text = g_string_new ("[[]");
  g_autofree char *printed = NULL;

  for (int i = 0; i < 1000; i++)
    g_string_append (text, ",[]");
  g_string_append_c (text, ']');
  printed = round_trip (text->str);
  g_assert_cmpstr (printed, ==, text->str);
}

static void
test_print_of_bad_text (void)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), "a\xff\x01\x7f");
  g_autofree char *printed = vb_json_text_print (node);

  g_assert_cmpstr (printed, ==, "\"a\xef\xbf\xbd\\u0001\\u007f\"");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-text/good", test_good);
  g_test_add_func ("/json-text/bad", test_bad);
  g_test_add_func ("/json-text/nul", test_nul);
  g_test_add_func ("/json-text/length", test_length);
  g_test_add_func ("/json-text/depth", test_depth);
  g_test_add_func ("/json-text/breadth", test_breadth);
  g_test_add_func ("/json-text/print-of-bad-text", test_print_of_bad_text);
  return g_test_run ();
}
