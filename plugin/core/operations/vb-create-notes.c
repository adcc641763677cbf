/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-create-notes.h"

/* "again running|off CONSISTENCY TIME", each left out when there is nothing to say. */
#define AGAIN "again"
#define RUNNING "running"
#define OFF "off"

static gboolean
is_consistency (const char *word)
{
  return g_str_equal (word, vb_consistency_to_string (vb_consistency_from_string (word)));
}

static void
take_word (VbCreateNotes *self, const char *word)
{
  if (g_str_equal (word, AGAIN))
    self->again = TRUE;
  else if (g_str_equal (word, RUNNING) || g_str_equal (word, OFF))
    {
      self->held = TRUE;
      self->running = g_str_equal (word, RUNNING);
    }
  else if (is_consistency (word))
    self->consistency = vb_consistency_from_string (word);
  else if (self->created_at == NULL)
    self->created_at = g_date_time_new_from_iso8601 (word, NULL);
}

VbCreateNotes
vb_create_notes_parse (const char *text)
{
  VbCreateNotes self = { .consistency = VB_CONSISTENCY_CRASH };
  g_auto (GStrv) words = g_strsplit (text ? text : "", " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    take_word (&self, words[i]);
  return self;
}

char *
vb_create_notes_to_text (const VbCreateNotes *self)
{
  g_autoptr (GString) text = g_string_new (self->again ? AGAIN : NULL);

  if (self->held)
    {
      g_autofree char *time
          = self->created_at ? g_date_time_format_iso8601 (self->created_at) : g_strdup ("");
      g_string_append_printf (text, "%s%s %s %s", text->len > 0 ? " " : "",
                              self->running ? RUNNING : OFF,
                              vb_consistency_to_string (self->consistency), time);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
vb_create_notes_clear (VbCreateNotes *self)
{
  g_clear_pointer (&self->created_at, g_date_time_unref);
}
