/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-mtime-cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "storage/base/vb-files.h"

/* Another change within the same tick of the file system's clock leaves the time as it is: a tick
 * is up to a second long on old NFS servers. */
#define TICK_S 2

struct _VbMtimeCache
{
  GMutex mutex;
  GHashTable *stamps; /* VPS → text; none for one that has no folder, "" when it says nothing */
};

VbMtimeCache *
vb_mtime_cache_new (void)
{
  VbMtimeCache *self = g_new0 (VbMtimeCache, 1);
  g_mutex_init (&self->mutex);
  self->stamps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
vb_mtime_cache_free (VbMtimeCache *self)
{
  g_hash_table_unref (self->stamps);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* Returns: (transfer full) (nullable): %NULL when there is no folder */
static char *
stamp_of (int root, const char *vps)
{
  struct stat info;

  if (fstatat (root, vps, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return NULL;
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld", (guint64) info.st_ino,
                          (gint64) info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

static gboolean
is_settled (int root, const char *vps)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  struct stat info;

  return fstatat (root, vps, &info, AT_SYMLINK_NOFOLLOW) == 0
         && (gint64) info.st_mtim.tv_sec <= now_s - TICK_S;
}

void
vb_mtime_cache_take (VbMtimeCache *self, int root, const char *vps)
{
  gboolean settled = is_settled (root, vps);
  char *stamp = stamp_of (root, vps);

  if (stamp != NULL && !settled)
    *stamp = '\0';
  g_mutex_lock (&self->mutex);
  if (stamp != NULL)
    g_hash_table_replace (self->stamps, g_strdup (vps), stamp);
  else
    g_hash_table_remove (self->stamps, vps);
  g_mutex_unlock (&self->mutex);
}

static gboolean
take_entry (int root, const char *name, gpointer user_data, GError **error)
{
  if (g_uuid_string_is_valid (name))
    vb_mtime_cache_take (user_data, root, name);
  return TRUE;
}

void
vb_mtime_cache_take_all (VbMtimeCache *self, int root)
{
  g_mutex_lock (&self->mutex);
  g_hash_table_remove_all (self->stamps);
  g_mutex_unlock (&self->mutex);
  (void) vb_files_for_each (root, take_entry, self, NULL);
}

gboolean
vb_mtime_cache_is_changed (VbMtimeCache *self, int root, const char *vps)
{
  g_autofree char *now = stamp_of (root, vps);

  g_mutex_lock (&self->mutex);
  gboolean changed = g_strcmp0 (now, g_hash_table_lookup (self->stamps, vps)) != 0;
  g_mutex_unlock (&self->mutex);
  return changed;
}
