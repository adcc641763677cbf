/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-config-lines.h"

#include <string.h>

#include "core/base/vb-error.h"

static void
config_line_free (VbConfigLine *line)
{
  g_free (line->group);
  g_free (line->key);
  g_free (line->value);
  g_free (line);
}

static VbConfigLine *
add_line (GPtrArray *lines, guint number, const char *group)
{
  VbConfigLine *line = g_new0 (VbConfigLine, 1);

  line->number = number;
  line->group = g_strdup (group);
  g_ptr_array_add (lines, line);
  return line;
}

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, text);
  return FALSE;
}

static void
cut_comment (char *value)
{
  for (char *c = value; *c != '\0'; c++)
    if (*c == '#' && (c == value || g_ascii_isspace (c[-1])))
      {
        *c = '\0';
        return;
      }
}

/* GKeyFile is the judge of the format: each line is given to it by itself, so that we know which
 * one it dislikes. */
static gboolean
read_value (const char *line, VbConfigLine *entry, GError **error)
{
  g_autoptr (GKeyFile) key_file = g_key_file_new ();
  g_autofree char *text = g_strconcat ("[g]\n", line, "\n", NULL);
  g_auto (GStrv) keys = NULL;
  g_autoptr (GError) escape_error = NULL;

  if (!g_key_file_load_from_data (key_file, text, -1, G_KEY_FILE_KEEP_TRANSLATIONS, NULL))
    return refuse (error, "is neither a comment, nor a group such as [host], nor KEY=VALUE");
  keys = g_key_file_get_keys (key_file, "g", NULL, NULL);
  entry->key = g_strdup (keys[0]);
  entry->value = g_key_file_get_string (key_file, "g", keys[0], &escape_error);
  if (escape_error != NULL)
    return refuse (error,
                   "holds a “\\” that begins nothing; write “\\\\” for the character itself");
  cut_comment (entry->value);
  g_strstrip (entry->value);
  return TRUE;
}

static gboolean
read_line (const char *line, guint number, const char **group, GPtrArray *lines, GError **error)
{
  const gsize length = strlen (line);

  if (*line == '\0' || *line == '#')
    return TRUE;
  if (*line == '[' && strcspn (line, "]") == length - 1)
    {
      g_autofree char *name = g_strndup (line + 1, length - 2);

      *group = add_line (lines, number, name)->group;
      return TRUE;
    }
  if (*group == NULL)
    return refuse (error, "stands before the first group; begin with a line such as [host]");
  return read_value (line, add_line (lines, number, *group), error);
}

GPtrArray *
vb_config_lines_parse (const char *text, gsize length, guint *bad_line, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func ((GDestroyNotify) config_line_free);
  g_autofree char *content = NULL;
  g_auto (GStrv) texts = NULL;
  const char *group = NULL;

  *bad_line = 0;
  if (!g_utf8_validate (text, length, NULL))
    {
      refuse (error, "is not a text in UTF-8");
      return NULL;
    }

  /* It need not end with a NUL, and has none inside, being valid. */
  content = g_strndup (text, length);
  texts = g_strsplit (content, "\n", -1);
  for (guint i = 0; texts[i] != NULL; i++)
    if (!read_line (g_strstrip (texts[i]), i + 1, &group, lines, error))
      {
        *bad_line = i + 1;
        return NULL;
      }
  return g_steal_pointer (&lines);
}
