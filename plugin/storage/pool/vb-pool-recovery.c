/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-pool-recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vb-directory-pool.h"
#include "core/model/vb-disk.h"
#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-i18n.h"
#include "storage/layout/vb-manifest.h"
#include "storage/layout/vb-nvram.h"
#include "storage/layout/vb-pool-layout.h"
#include "storage/qcow2/vb-qcow2.h"

#define DEFINITION_FILE "domain.xml"
#define MAX_DEFINITION_BYTES (16 * 1024 * 1024)
#define CLUSTER_BYTES 65536
#define REFCOUNT_ORDER 4
/* libvirt's QEMU has to get to the disks in it. */
#define FOLDER_MODE 0711

struct _VbPoolRecovery
{
  VbPool *pool;
  char *vps;
  char *backup;
  char *name; /* (nullable) */
  char *into;
  char *definition;
  char *nvram;
  gsize nvram_length;
  char *nvram_path;
  char *xml_path;
  GPtrArray *disks; /* (element-type VbDisk) */
  int folder;
};

void
vb_pool_recovery_free (VbPoolRecovery *self)
{
  g_clear_object (&self->pool);
  g_ptr_array_unref (self->disks);
  vb_fd_clear (&self->folder);
  g_free (self->vps);
  g_free (self->backup);
  g_free (self->name);
  g_free (self->into);
  g_free (self->definition);
  g_free (self->nvram);
  g_free (self->nvram_path);
  g_free (self->xml_path);
  g_free (self);
}

/* --- what is to be made --- */

/* The name comes from a manifest, that is from outside. */
static char *
make_file_name (const char *given, const VbBackupInfo *info, const char *suffix)
{
  const char *own = info->vps_name && *info->vps_name ? info->vps_name : info->vps;
  const char *name = given ? given : own;
  char *file = g_strconcat (name, suffix, NULL);

  for (char *c = file; *c; c++)
    if (!g_ascii_isalnum (*c) && !strchr ("._-", *c))
      *c = '_';
  if (*file == '.' || *file == '-')
    *file = '_';
  return file;
}

static gboolean
choose_path (VbPoolRecovery *self,
             const VbBackupInfo *info,
             const char *suffix,
             char **path,
             GError **error)
{
  g_autofree char *name = make_file_name (self->name, info, suffix);

  *path = g_build_filename (self->into, name, NULL);
  if (!vb_files_exists (self->folder, name))
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
               _ ("There is a file %s already; move it away or name another folder."), *path);
  return FALSE;
}

static gboolean
plan (VbPoolRecovery *self, const VbManifest *manifest, GError **error)
{
  for (guint i = 0; i < manifest->info->disks->len; i++)
    {
      const VbBackupDisk *from = g_ptr_array_index (manifest->info->disks, i);
      const char *format = g_ptr_array_index (manifest->formats, i);
      g_autofree char *suffix = g_strdup_printf ("-%s.%s", from->target, format);
      g_autofree char *path = NULL;

      if (!choose_path (self, manifest->info, suffix, &path, error))
        return FALSE;
      VbDisk *disk = vb_disk_new (from->target, path, format);
      /* A file that we make for it is the disk of the backup, and no other. */
      disk->origin = from->origin != NULL ? vb_disk_origin_ref (from->origin) : NULL;
      disk->virtual_size_bytes = from->virtual_size_bytes;
      g_ptr_array_add (self->disks, disk);
    }
  return choose_path (self, manifest->info, ".xml", &self->xml_path, error)
         && (!manifest->has_nvram
             || choose_path (self, manifest->info, "-nvram.fd", &self->nvram_path, error));
}

static gboolean
read_backup (VbPoolRecovery *self, const char *pool, GError **error)
{
  VbPoolLayout folder = { .path = (char *) pool };

  vb_autofd int root = vb_pool_layout_open (&folder, NULL, error);
  vb_autofd int backup
      = root >= 0 ? vb_pool_layout_open_backup (root, self->vps, self->backup, error) : -1;
  g_autoptr (VbManifest) manifest
      = backup >= 0 ? vb_manifest_load (backup, self->vps, self->backup, error) : NULL;
  if (manifest == NULL || !plan (self, manifest, error))
    return FALSE;
  self->definition = vb_files_read (backup, DEFINITION_FILE, MAX_DEFINITION_BYTES, NULL, error);
  if (self->definition && manifest->has_nvram)
    self->nvram = vb_nvram_load (backup, manifest, &self->nvram_length, error);
  return self->definition && (self->nvram || !manifest->has_nvram);
}

static gboolean
open_folder (VbPoolRecovery *self, GError **error)
{
  if (g_mkdir_with_parents (self->into, FOLDER_MODE) == 0)
    self->folder = open (self->into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->folder >= 0)
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to open the folder %s", self->into);
  return FALSE;
}

VbPoolRecovery *
vb_pool_recovery_new (const char *pool,
                      const char *vps,
                      const char *backup,
                      const char *name,
                      const char *into,
                      GError **error)
{
  g_autoptr (VbPoolRecovery) self = g_new0 (VbPoolRecovery, 1);
  self->folder = -1;
  self->vps = g_strdup (vps);
  self->backup = g_strdup (backup);
  self->name = g_strdup (name);
  self->into = g_strdup (into);
  self->disks = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_disk_free);
  self->pool = (VbPool *) vb_directory_pool_new (pool, "0", error);
  return self->pool && open_folder (self, error) && read_backup (self, pool, error)
             ? g_steal_pointer (&self)
             : NULL;
}

/* --- making it --- */

/* A disk that is still empty: from there on it is a restore like any other, which puts a whole new
 * image in its place. */
static gboolean
make_empty (VbPoolRecovery *self, const VbDisk *disk, GError **error)
{
  g_autofree char *name = g_path_get_basename (disk->path);
  const VbQcow2Options options = {
    .version = 3,
    .virtual_size_bytes = disk->virtual_size_bytes,
    .cluster_bytes = CLUSTER_BYTES,
    .refcount_order = REFCOUNT_ORDER,
  };

  int fd = vb_files_create (self->folder, name, error);
  if (fd < 0)
    return FALSE;
  g_autoptr (VbSparseFile) file = vb_sparse_file_new (fd);
  if (g_str_equal (disk->format, "qcow2"))
    {
      g_autoptr (VbQcow2Writer) writer = vb_qcow2_writer_new (file, &options);
      return vb_qcow2_writer_finish (writer, error);
    }
  if (ftruncate (fd, (off_t) disk->virtual_size_bytes) == 0)
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to create the disk %s", disk->target);
  return FALSE;
}

static gboolean
fill (VbPoolRecovery *self, VbTransfer *transfer, GError **error)
{
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (VbStaging) staging = vb_pool_stage (self->pool, self->vps, self->backup, operation,
                                                 self->disks, transfer, error);

  if (staging == NULL)
    return FALSE;
  if (vb_staging_swap (staging, NULL, error))
    return vb_staging_finish (staging, error);
  vb_staging_undo (staging, NULL);
  vb_staging_discard (staging, NULL);
  return FALSE;
}

static gboolean
write_file (VbPoolRecovery *self, const char *path, const char *data, gsize length, GError **error)
{
  g_autofree char *name = path ? g_path_get_basename (path) : NULL;
  return name == NULL || vb_files_write (self->folder, name, data, length, error);
}

static void
remove_file (VbPoolRecovery *self, const char *path)
{
  g_autofree char *name = path ? g_path_get_basename (path) : NULL;
  if (name)
    vb_files_remove (self->folder, name, NULL);
}

gboolean
vb_pool_recovery_run (VbPoolRecovery *self,
                      VbTransfer *transfer,
                      const char *definition,
                      GError **error)
{
  guint made = 0;
  gboolean ok = TRUE;

  while (ok && made < self->disks->len)
    ok = make_empty (self, g_ptr_array_index (self->disks, made++), error);
  ok = ok && fill (self, transfer, error)
       && write_file (self, self->nvram_path, self->nvram, self->nvram_length, error)
       && write_file (self, self->xml_path, definition, strlen (definition), error)
       && vb_files_sync (self->folder, "the folder of the disks", error);
  if (ok)
    return TRUE;
  for (guint i = 0; i < made; i++)
    remove_file (self, ((VbDisk *) g_ptr_array_index (self->disks, i))->path);
  remove_file (self, self->nvram_path);
  remove_file (self, self->xml_path);
  return FALSE;
}

/* --- what it is --- */

const char *
vb_pool_recovery_get_definition (VbPoolRecovery *self)
{
  return self->definition;
}

GPtrArray *
vb_pool_recovery_get_disks (VbPoolRecovery *self)
{
  return self->disks;
}

const char *
vb_pool_recovery_get_nvram (VbPoolRecovery *self)
{
  return self->nvram_path;
}

const char *
vb_pool_recovery_get_xml_path (VbPoolRecovery *self)
{
  return self->xml_path;
}
