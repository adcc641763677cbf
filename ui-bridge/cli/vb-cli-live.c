/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-live.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "vb-cli-progress.h"
#include "vb-cli-table.h"
#include "vb-cli-text.h"
#include "core/base/vb-i18n.h"

#define PERIOD_US (250 * G_TIME_SPAN_MILLISECOND)
#define HEIGHT_DEFAULT 24
/* Headings, a free line, the note, and the line that the cursor is in. */
#define LINES_APART 4
/* Home and clear; lines that are too long are cut, not wrapped. */
#define BEGIN "\033[?7l\033[H\033[2J"
#define END "\033[?7h"

struct _VbCliLive
{
  GHashTable *all; /* UUID → JsonObject */
  char *note;
  gboolean changed;
  gint64 next_us; /* monotonic */
};

VbCliLive *
vb_cli_live_new (void)
{
  VbCliLive *self;

  if (!isatty (STDOUT_FILENO))
    return NULL;
  self = g_new0 (VbCliLive, 1);
  self->all
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_object_unref);
  return self;
}

void
vb_cli_live_free (VbCliLive *self)
{
  g_hash_table_unref (self->all);
  g_free (self->note);
  g_free (self);
}

void
vb_cli_live_clear (VbCliLive *self)
{
  g_hash_table_remove_all (self->all);
  self->changed = TRUE;
}

void
vb_cli_live_set_vps (VbCliLive *self, JsonObject *vps)
{
  const char *id = vb_cli_get_string (vps, "vps");

  if (id != NULL)
    g_hash_table_insert (self->all, g_strdup (id), json_object_ref (vps));
  self->changed = TRUE;
}

void
vb_cli_live_set_operation (VbCliLive *self, const char *vps, JsonObject *operation)
{
  JsonObject *known = g_hash_table_lookup (self->all, vps);

  if (known != NULL)
    json_object_set_object_member (known, "operation", json_object_ref (operation));
  self->changed = TRUE;
}

void
vb_cli_live_remove (VbCliLive *self, const char *vps)
{
  g_hash_table_remove (self->all, vps);
  self->changed = TRUE;
}

void
vb_cli_live_note (VbCliLive *self, const char *text)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%H:%M:%S");

  g_free (self->note);
  self->note = g_strdup_printf ("%s  %s", time, text);
  self->changed = TRUE;
}

/* ---- drawing ---- */

static int
compare (gconstpointer a, gconstpointer b)
{
  JsonObject *left = *(JsonObject *const *) a;
  JsonObject *right = *(JsonObject *const *) b;
  const gboolean left_busy = vb_cli_get_object (left, "operation") != NULL;
  const gboolean right_busy = vb_cli_get_object (right, "operation") != NULL;

  if (left_busy != right_busy)
    return left_busy ? -1 : 1;
  return g_strcmp0 (vb_cli_get_string (left, "name"), vb_cli_get_string (right, "name"));
}

static int
get_height (void)
{
  struct winsize size;

  return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row
                                                                          : HEIGHT_DEFAULT;
}

static char *
format_slots (JsonObject *slots)
{
  if (slots == NULL)
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, vb_cli_get_int (slots, "used"),
                          vb_cli_get_int (slots, "total"));
}

static void
add_row (VbCliTable *table, JsonObject *vps)
{
  JsonObject *operation = vb_cli_get_object (vps, "operation");

  vb_cli_table_add (table, g_strdup (vb_cli_get_string (vps, "name")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (vps, "status")));
  vb_cli_table_add (table, format_slots (vb_cli_get_object (vps, "slots")));
  vb_cli_table_add (table, operation != NULL ? vb_cli_progress_format (operation) : NULL);
}

static void
draw (VbCliLive *self)
{
  const char *const headings[] = { _ ("NAME"), _ ("STATUS"), _ (">SLOTS"), _ ("OPERATION"), NULL };
  g_autoptr (VbCliTable) table = vb_cli_table_new (headings);
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  const guint room = MAX (get_height () - LINES_APART, 1);
  GHashTableIter iter;
  gpointer vps;

  g_hash_table_iter_init (&iter, self->all);
  while (g_hash_table_iter_next (&iter, NULL, &vps))
    g_ptr_array_add (sorted, vps);
  g_ptr_array_sort (sorted, compare);
  for (guint i = 0; i < MIN (sorted->len, room); i++)
    add_row (table, g_ptr_array_index (sorted, i));

  vb_cli_print (stdout, BEGIN);
  vb_cli_table_print (table);
  if (sorted->len > room)
    vb_cli_print (stdout, _ ("… and %u more\n"), sorted->len - room);
  else
    vb_cli_print (stdout, "\n");
  vb_cli_print (stdout, "%s" END, self->note != NULL ? self->note : "");
  fflush (stdout);
}

int
vb_cli_live_draw (VbCliLive *self)
{
  const gint64 now_us = g_get_monotonic_time ();

  if (!self->changed)
    return -1;
  if (now_us < self->next_us)
    return (self->next_us - now_us) / G_TIME_SPAN_MILLISECOND + 1;
  draw (self);
  self->changed = FALSE;
  self->next_us = now_us + PERIOD_US;
  return -1;
}
