/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-i18n.h"

#include <string.h>

static gboolean enabled;

void
vb_i18n_enable (void)
{
  enabled = TRUE;
}

const char *
vb_i18n_translate (const char *text)
{
  return enabled ? g_dgettext (GETTEXT_PACKAGE, text) : text;
}

const char *
vb_i18n_translate_in (const char *context, const char *context_and_text)
{
  gsize offset = strlen (context) + 1;

  return enabled ? g_dpgettext (GETTEXT_PACKAGE, context_and_text, offset)
                 : context_and_text + offset;
}

const char *
vb_i18n_plural (const char *one, const char *many, gulong n)
{
  return enabled ? g_dngettext (GETTEXT_PACKAGE, one, many, n) : n == 1 ? one : many;
}
