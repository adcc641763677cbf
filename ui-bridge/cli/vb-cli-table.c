/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-table.h"

#include "vb-cli-text.h"

struct _VbCliTable
{
  guint n_columns;
  GPtrArray *cells; /* the headings first */
};

VbCliTable *
vb_cli_table_new (const char *const *headings)
{
  VbCliTable *self = g_new0 (VbCliTable, 1);

  self->n_columns = g_strv_length ((char **) headings);
  self->cells = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < self->n_columns; i++)
    g_ptr_array_add (self->cells, g_strdup (headings[i]));
  return self;
}

void
vb_cli_table_free (VbCliTable *self)
{
  g_ptr_array_unref (self->cells);
  g_free (self);
}

void
vb_cli_table_add (VbCliTable *self, char *cell)
{
  g_ptr_array_add (self->cells, vb_cli_text_clean (cell != NULL ? cell : "–"));
  g_free (cell);
}

static gboolean
is_right (VbCliTable *self, guint column)
{
  return *(const char *) g_ptr_array_index (self->cells, column) == '>';
}

static const char *
get_cell (VbCliTable *self, guint row, guint column)
{
  const char *cell = g_ptr_array_index (self->cells, row * self->n_columns + column);

  return row == 0 && *cell == '>' ? cell + 1 : cell;
}

static int
measure (VbCliTable *self, guint column)
{
  int width = 0;

  for (guint row = 0; row < self->cells->len / self->n_columns; row++)
    width = MAX (width, vb_cli_text_width (get_cell (self, row, column)));
  return width;
}

void
vb_cli_table_print (VbCliTable *self)
{
  const guint n_rows = self->cells->len / self->n_columns;
  g_autofree int *widths = g_new (int, self->n_columns);

  if (n_rows < 2)
    return;
  for (guint column = 0; column < self->n_columns; column++)
    widths[column] = measure (self, column);

  for (guint row = 0; row < n_rows; row++)
    {
      GString *line = g_string_new (NULL);

      for (guint column = 0; column < self->n_columns; column++)
        {
          g_autofree char *padded = vb_cli_text_pad (get_cell (self, row, column), widths[column],
                                                     is_right (self, column));
          g_string_append_printf (line, column > 0 ? "  %s" : "%s", padded);
        }
      g_strchomp (line->str);
      vb_cli_print (stdout, "%s\n", line->str);
      g_string_free (line, TRUE);
    }
}
