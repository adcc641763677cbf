/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-undo.h"

#define FILES_TYPE "a(sst)"

static void
file_free (gpointer data)
{
  VbUndoFile *file = data;
  g_free (file->target);
  g_free (file->path);
  g_free (file);
}

VbUndo *
vb_undo_new (const char *operation, const char *vps, const char *backup, const char *backup_name)
{
  VbUndo *self = g_new0 (VbUndo, 1);
  self->operation = g_strdup (operation);
  self->vps = g_strdup (vps);
  self->backup = g_strdup (backup);
  self->backup_name = g_strdup (backup_name);
  self->files = g_ptr_array_new_with_free_func (file_free);
  return self;
}

VbUndo *
vb_undo_copy (const VbUndo *self)
{
  VbUndo *copy = vb_undo_new (self->operation, self->vps, self->backup, self->backup_name);
  copy->restored_at = self->restored_at ? g_date_time_ref (self->restored_at) : NULL;
  copy->until = self->until ? g_date_time_ref (self->until) : NULL;
  for (guint i = 0; i < self->files->len; i++)
    {
      const VbUndoFile *file = g_ptr_array_index (self->files, i);
      vb_undo_add_file (copy, file->target, file->path, file->inode);
    }
  return copy;
}

void
vb_undo_free (VbUndo *self)
{
  g_free (self->operation);
  g_free (self->vps);
  g_free (self->backup);
  g_free (self->backup_name);
  g_clear_pointer (&self->restored_at, g_date_time_unref);
  g_clear_pointer (&self->until, g_date_time_unref);
  g_ptr_array_unref (self->files);
  g_free (self);
}

void
vb_undo_add_file (VbUndo *self, const char *target, const char *path, guint64 inode)
{
  VbUndoFile *file = g_new0 (VbUndoFile, 1);
  file->target = g_strdup (target);
  file->path = g_strdup (path);
  file->inode = inode;
  g_ptr_array_add (self->files, file);
}

char *
vb_undo_dup_files (const VbUndo *self)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE (FILES_TYPE));
  for (guint i = 0; i < self->files->len; i++)
    {
      const VbUndoFile *file = g_ptr_array_index (self->files, i);
      g_variant_builder_add (&builder, "(sst)", file->target, file->path, file->inode);
    }
  g_autoptr (GVariant) files = g_variant_ref_sink (g_variant_builder_end (&builder));
  return g_variant_print (files, TRUE);
}

gboolean
vb_undo_parse_files (VbUndo *self, const char *text)
{
  g_autoptr (GVariant) files
      = text ? g_variant_parse (G_VARIANT_TYPE (FILES_TYPE), text, NULL, NULL, NULL) : NULL;
  if (files == NULL)
    return FALSE;
  GVariantIter iter;
  const char *target;
  const char *path;
  guint64 inode;
  g_variant_iter_init (&iter, files);
  while (g_variant_iter_next (&iter, "(&s&st)", &target, &path, &inode))
    vb_undo_add_file (self, target, path, inode);
  return TRUE;
}
