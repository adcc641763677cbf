/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"

#define PLAIN_PERIOD_US (3 * G_TIME_SPAN_SECOND)
#define BAR_WIDTH_MAX 40
#define BAR_WIDTH_MIN 8
#define LINE_WIDTH_DEFAULT 80

struct _VbCliProgress
{
  FILE *stream; /* NULL: shown nowhere */
  gboolean is_terminal;
  gboolean is_drawn;    /* a bar is on the present line */
  gint64 next_plain_us; /* monotonic */
  char *last_state;
};

VbCliProgress *
vb_cli_progress_new (gboolean json)
{
  VbCliProgress *self = g_new0 (VbCliProgress, 1);

  self->stream = json ? stderr : stdout;
  self->is_terminal = isatty (fileno (self->stream));
  if (json && !self->is_terminal)
    self->stream = NULL;
  return self;
}

static void
erase (VbCliProgress *self)
{
  if (self->is_drawn)
    vb_cli_print (self->stream, "\r\033[K");
  self->is_drawn = FALSE;
}

void
vb_cli_progress_free (VbCliProgress *self)
{
  erase (self);
  g_free (self->last_state);
  g_free (self);
}

/* Returns: (nullable): %NULL while bytes move */
static const char *
describe_state (JsonObject *operation)
{
  const char *state = vb_cli_get_string (operation, "state");

  if (vb_cli_get_boolean (operation, "stalled"))
    return _ ("stalled");
  if (g_strcmp0 (state, "queued") == 0)
    return _ ("waiting for its turn");
  if (g_strcmp0 (state, "preparing") == 0)
    return _ ("preparing");
  if (g_strcmp0 (state, "finishing") == 0)
    return _ ("finishing");
  return NULL;
}

static void
append_speed (GString *text, guint64 rate, JsonObject *operation)
{
  g_autofree char *rate_text = vb_cli_text_size (rate);
  g_autofree char *eta = NULL;

  g_string_append_printf (text, _ ("  %s/s"), rate_text);
  if (!json_object_has_member (operation, "eta_s")
      || json_object_get_null_member (operation, "eta_s"))
    return;
  eta = vb_cli_text_duration (vb_cli_get_int (operation, "eta_s"));
  g_string_append_printf (text, _ ("  %s left"), eta);
}

char *
vb_cli_progress_format (JsonObject *operation)
{
  const double percent = vb_cli_get_double (operation, "progress");
  const guint64 total = vb_cli_get_int (operation, "bytes_total");
  const guint64 rate = vb_cli_get_int (operation, "rate_bytes_per_s");
  g_autofree char *total_text = vb_cli_text_size (total);
  g_autofree char *done_text = vb_cli_text_size (vb_cli_get_int (operation, "bytes_done"));
  const char *state = describe_state (operation);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%5.1f %%", percent);
  if (total > 0)
    g_string_append_printf (text, _ ("  %s of %s"), done_text, total_text);
  if (state != NULL)
    g_string_append_printf (text, "  %s", state);
  else if (rate > 0)
    append_speed (text, rate, operation);
  return g_string_free (text, FALSE);
}

static int
get_line_width (VbCliProgress *self)
{
  struct winsize size;

  if (ioctl (fileno (self->stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return LINE_WIDTH_DEFAULT;
}

static void
draw (VbCliProgress *self, JsonObject *operation, const char *text)
{
  const int room = get_line_width (self) - 1 - vb_cli_text_width (text) - 4;
  const int width = MIN (room, BAR_WIDTH_MAX);
  const int filled = CLAMP (vb_cli_get_double (operation, "progress") / 100, 0, 1) * width;

  vb_cli_print (self->stream, "\r\033[K");
  if (width >= BAR_WIDTH_MIN)
    {
      g_autofree char *full = g_strnfill (filled, '#');
      g_autofree char *empty = g_strnfill (width - filled, '.');

      vb_cli_print (self->stream, "[%s%s]  ", full, empty);
    }
  vb_cli_print (self->stream, "%s", text);
  self->is_drawn = TRUE;
}

void
vb_cli_progress_update (VbCliProgress *self, JsonObject *operation)
{
  const char *state = vb_cli_get_string (operation, "state");
  const gint64 now_us = g_get_monotonic_time ();
  g_autofree char *text = NULL;

  if (self->stream == NULL)
    return;
  text = vb_cli_progress_format (operation);
  if (self->is_terminal)
    draw (self, operation, text);
  else if (now_us >= self->next_plain_us || g_strcmp0 (self->last_state, state) != 0)
    {
      vb_cli_print (self->stream, "%s\n", text);
      self->next_plain_us = now_us + PLAIN_PERIOD_US;
      g_free (self->last_state);
      self->last_state = g_strdup (state);
    }
}

void
vb_cli_progress_note (VbCliProgress *self, const char *text)
{
  if (self->stream == NULL)
    return;
  erase (self);
  vb_cli_print (self->stream, "%s\n", text);
}
