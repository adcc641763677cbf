/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

/* Words for people. All functions return (transfer full) text in UTF-8. */

/** vb_cli_text_clean: @text with control characters replaced: names are chosen by customers, and a
 * terminal obeys them */
char *vb_cli_text_clean (const char *text);

/** vb_cli_text_size: bytes as in "2.5 GiB" */
char *vb_cli_text_size (guint64 bytes);

/** vb_cli_text_time: @time: (nullable): as the protocol writes it; in local time, "–" for %NULL */
char *vb_cli_text_time (const char *time);

/** vb_cli_text_duration: seconds as in "0:07", "12:30" or "3:07:00" */
char *vb_cli_text_duration (gint64 seconds);

/** vb_cli_text_elapsed: from @from to @to, both as the protocol writes them; "–" when one is
 * %NULL */
char *vb_cli_text_elapsed (const char *from, const char *to);

/** vb_cli_text_pad: @text made @width columns wide on a terminal, with spaces after it, or before
 * if @right */
char *vb_cli_text_pad (const char *text, int width, gboolean right);

/** vb_cli_text_width: columns that @text takes on a terminal */
int vb_cli_text_width (const char *text);

/** vb_cli_text_said: (transfer none): @message: (nullable): a sentence of the service, which speaks
 * English; in the operator's language if the catalogue has it, else as it is. "" for %NULL */
const char *vb_cli_text_said (const char *message);

/** vb_cli_print: prints to @stream in the encoding of the locale */
void vb_cli_print (FILE *stream, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
