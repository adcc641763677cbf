/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk.h"

VbDisk *
vb_disk_new (const char *target, const char *path, const char *format)
{
  VbDisk *self = g_new0 (VbDisk, 1);
  self->target = g_strdup (target);
  self->path = g_strdup (path);
  self->format = g_strdup (format);
  return self;
}

VbDisk *
vb_disk_copy (const VbDisk *self)
{
  VbDisk *copy = vb_disk_new (self->target, self->path, self->format);
  copy->is_block = self->is_block;
  copy->is_nvram = self->is_nvram;
  copy->virtual_size_bytes = self->virtual_size_bytes;
  copy->allocated_bytes = self->allocated_bytes;
  copy->may_be_overwritten = self->may_be_overwritten;
  copy->origin = self->origin ? vb_disk_origin_ref (self->origin) : NULL;
  return copy;
}

void
vb_disk_free (VbDisk *self)
{
  g_free (self->target);
  g_free (self->path);
  g_free (self->format);
  g_clear_pointer (&self->origin, vb_disk_origin_unref);
  g_free (self);
}

void
vb_disks_allow_overwrite (GPtrArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    ((VbDisk *) g_ptr_array_index (disks, i))->may_be_overwritten = TRUE;
}
