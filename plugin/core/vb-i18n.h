/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The module lives in a foreign process: it names its own text domain at each call and never sets the
 * process's locale or default domain. */
#include <glib/gi18n-lib.h>
