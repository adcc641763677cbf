/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The module lives in a foreign process: it names its own text domain at each call and never sets
 * the process's locale or default domain. */
#include <glib/gi18n-lib.h>

/* One sentence for one and another for more; languages with more forms than two have them in po/.
 */
#define vb_ngettext(one, many, n) g_dngettext (GETTEXT_PACKAGE, one, many, n)
