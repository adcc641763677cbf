/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-pool-handle.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/base/vb-sparse-file.h"

struct _VbPoolHandle
{
  GMutex mutex; /* protects the rest */
  VbPoolLayout folder;
  gboolean reflinks_known;
  gboolean reflinks;
};

VbPoolHandle *
vb_pool_handle_new (const char *path, const char *reserve, GError **error)
{
  VbReserve parsed;

  if (!vb_reserve_parse (reserve, &parsed, error))
    return NULL;
  VbPoolHandle *self = g_atomic_rc_box_new0 (VbPoolHandle);
  g_mutex_init (&self->mutex);
  self->folder.path = g_strdup (path);
  self->folder.reserve = parsed;
  return self;
}

VbPoolHandle *
vb_pool_handle_ref (VbPoolHandle *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
finalize (gpointer data)
{
  VbPoolHandle *self = data;
  g_free (self->folder.path);
  g_free (self->folder.id);
  g_mutex_clear (&self->mutex);
}

void
vb_pool_handle_unref (VbPoolHandle *self)
{
  g_atomic_rc_box_release_full (self, finalize);
}

VbPoolLayout *
vb_pool_handle_dup_folder (VbPoolHandle *self)
{
  g_mutex_lock (&self->mutex);
  VbPoolLayout *folder = vb_pool_layout_copy (&self->folder);
  g_mutex_unlock (&self->mutex);
  return folder;
}

int
vb_pool_handle_open (VbPoolHandle *self, GError **error)
{
  g_autofree char *id = NULL;
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self);

  int root = vb_pool_layout_open (folder, &id, error);
  g_mutex_lock (&self->mutex);
  if (root >= 0 && self->folder.id == NULL)
    self->folder.id = g_steal_pointer (&id);
  g_mutex_unlock (&self->mutex);
  return root;
}

gboolean
vb_pool_handle_has_reflinks (VbPoolHandle *self, int root)
{
  g_mutex_lock (&self->mutex);
  gboolean known = self->reflinks_known, reflinks = self->reflinks;
  g_mutex_unlock (&self->mutex);
  if (known)
    return reflinks;

  reflinks = vb_sparse_file_can_clone (root);
  g_mutex_lock (&self->mutex);
  self->reflinks_known = TRUE;
  self->reflinks = reflinks;
  g_mutex_unlock (&self->mutex);
  return reflinks;
}

gboolean
vb_pool_handle_look (VbPoolHandle *self, VbPoolStatus *status, GError **error)
{
  vb_autofd int root = vb_pool_handle_open (self, error);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self);
  if (root < 0 || !vb_pool_layout_get_space (folder, root, status, error))
    return FALSE;
  status->reflinks = vb_pool_handle_has_reflinks (self, root);
  return TRUE;
}

gboolean
vb_pool_handle_touch (VbPoolHandle *self, GError **error)
{
  vb_autofd int root = vb_pool_handle_open (self, error);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self);

  if (root < 0)
    return FALSE;
  if (futimens (root, NULL) == 0)
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE, "The pool %s cannot be written: %s",
               folder->path, g_strerror (errno));
  return FALSE;
}

gboolean
vb_pool_handle_blame (VbPoolHandle *self, gboolean ok, GError *failure, GError **error)
{
  g_autoptr (GError) pool_error = NULL;
  VbPoolStatus status;

  if (ok)
    return TRUE;
  if (g_error_matches (failure, VB_ERROR, VB_ERROR_INTERNAL)
      && !(vb_pool_handle_look (self, &status, &pool_error)
           && vb_pool_handle_touch (self, &pool_error)))
    {
      g_error_free (failure);
      failure = g_steal_pointer (&pool_error);
    }
  g_propagate_error (error, failure);
  return FALSE;
}
