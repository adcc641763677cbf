/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-revocation-copy.h"

#include "core/base/vb-error.h"
#include "core/base/vb-safe-open.h"

#define MAX_BYTES (64 << 20)

/* First line, then "subject|token SECONDS NAME" in each, with NAME escaped as in a URI. */
#define HEADER "vps-backup revocations 1"

char *
vb_revocation_copy_path (const char *file)
{
  g_autofree char *folder = g_path_get_dirname (file);
  return g_build_filename (folder, "revocations", NULL);
}

static VbRevocation *
parse_line (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 3);
  gint64 at_s;

  if (g_strv_length (words) != 3
      || !g_ascii_string_to_signed (words[1], 10, 0, G_MAXINT64 / G_USEC_PER_SEC, &at_s, NULL))
    return NULL;
  gboolean is_token = g_str_equal (words[0], "token");
  g_autofree char *name = g_uri_unescape_string (words[2], NULL);
  if (name == NULL || (!is_token && !g_str_equal (words[0], "subject")))
    return NULL;
  return vb_revocation_new (is_token, name, at_s);
}

/* A line that cannot be read must not take the others with it. */
GPtrArray *
vb_revocation_copy_load (const char *path, GError **error)
{
  GPtrArray *found = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_revocation_free);
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;

  if (!vb_safe_open_read (path, MAX_BYTES, &text, NULL, &local))
    {
      if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return found;
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to read %s: %s", path,
                   local->message);
      g_ptr_array_unref (found);
      return NULL;
    }
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      VbRevocation *revocation = parse_line (lines[i]);
      if (revocation != NULL)
        g_ptr_array_add (found, revocation);
    }
  return found;
}

gboolean
vb_revocation_copy_save (const char *path, GPtrArray *revocations, GError **error)
{
  g_autoptr (GString) text = g_string_new (HEADER "\n");
  g_autoptr (GError) local = NULL;

  for (guint i = 0; i < revocations->len; i++)
    {
      const VbRevocation *revocation = g_ptr_array_index (revocations, i);
      g_autofree char *name = g_uri_escape_string (revocation->name, NULL, FALSE);
      g_string_append_printf (text, "%s %" G_GINT64_FORMAT " %s\n",
                              revocation->is_token ? "token" : "subject", revocation->revoked_at_s,
                              name);
    }
  if (g_file_set_contents_full (path, text->str, (gssize) text->len,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local))
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to write %s: %s", path, local->message);
  return FALSE;
}

static gboolean
has (GPtrArray *all, const VbRevocation *wanted)
{
  for (guint i = 0; i < all->len; i++)
    {
      const VbRevocation *known = g_ptr_array_index (all, i);
      if (known->is_token == wanted->is_token && g_str_equal (known->name, wanted->name)
          && known->revoked_at_s >= wanted->revoked_at_s)
        return TRUE;
    }
  return FALSE;
}

gboolean
vb_revocation_copy_merge (GPtrArray *into, GPtrArray *from)
{
  gboolean added = FALSE;

  for (guint i = 0; i < from->len; i++)
    {
      const VbRevocation *one = g_ptr_array_index (from, i);
      if (has (into, one))
        continue;
      g_ptr_array_add (into, vb_revocation_new (one->is_token, one->name, one->revoked_at_s));
      added = TRUE;
    }
  return added;
}
