/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbCliTable:
 *
 * Columns of text under headings, each as wide as its widest cell.
 */
typedef struct _VbCliTable VbCliTable;

/**
 * vb_cli_table_new:
 * @headings: (array zero-terminated=1): already translated; one that begins with ">" is a column of
 * numbers, set to the right
 */
VbCliTable *vb_cli_table_new (const char *const *headings);
void vb_cli_table_free (VbCliTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbCliTable, vb_cli_table_free)

/** vb_cli_table_add: @cell: (transfer full) (nullable): the next cell, row by row; control
 * characters are replaced */
void vb_cli_table_add (VbCliTable *self, char *cell);

/** vb_cli_table_print: on stdout; nothing at all without a row */
void vb_cli_table_print (VbCliTable *self);

G_END_DECLS
