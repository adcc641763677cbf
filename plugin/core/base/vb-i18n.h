/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The module lives in a foreign process, whose locale is nobody's who reads its messages: clients
 * translate by reason. Only a program that speaks to its user turns translation on. */

/** vb_i18n_enable: from now on messages are in the language of the process's locale. Before there
 * are threads */
void vb_i18n_enable (void);

/** vb_i18n_translate: Returns: (transfer none): @text, translated if that is on */
const char *vb_i18n_translate (const char *text) G_GNUC_FORMAT (1);
/** vb_i18n_translate_in: @context: what tells @text from others that read the same; use C_() */
const char *vb_i18n_translate_in (const char *context, const char *context_and_text);
/** vb_i18n_plural: the same for one sentence for one and another for more; languages with more
 * forms than two have them in po/ */
const char *vb_i18n_plural (const char *one, const char *many, gulong n) G_GNUC_FORMAT (1)
    G_GNUC_FORMAT (2);

#define _(text) vb_i18n_translate (text)
#define N_(text) (text)
#define C_(context, text) vb_i18n_translate_in (context, context "\004" text)
#define vb_ngettext(one, many, n) vb_i18n_plural (one, many, n)

G_END_DECLS
