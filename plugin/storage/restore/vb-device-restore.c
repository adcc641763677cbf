/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-device-restore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "vb-device-writer.h"
#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-manifest.h"
#include "core/base/vb-safe-open.h"
#include "json/vb-strict-json.h"

#define FORMAT "vps-backup restore"
#define VERSION 1
#define MAX_NOTE_BYTES (256 * 1024)

static const char *const state_names[] = { "staged", "writing", "written" };

typedef struct
{
  char *target;
  char *from; /* its name in the backup */
  char *path;
  dev_t number; /* of the device that was examined; 0 when it was named by a note */
} Device;

struct _VbDeviceRestore
{
  VbPoolLayout *folder;
  char *operation;
  char *vps;
  char *backup;
  GPtrArray *devices; /* (element-type Device) */
  VbDeviceRestoreState state;
  gboolean noted;
};

static void
device_free (gpointer data)
{
  Device *device = data;
  g_free (device->target);
  g_free (device->from);
  g_free (device->path);
  g_free (device);
}

VbDeviceRestore *
vb_device_restore_new (const VbPoolLayout *folder,
                       const char *operation,
                       const char *vps,
                       const char *backup)
{
  VbDeviceRestore *self = g_new0 (VbDeviceRestore, 1);
  self->folder = vb_pool_layout_copy (folder);
  self->operation = g_strdup (operation);
  self->vps = g_strdup (vps);
  self->backup = g_strdup (backup);
  self->devices = g_ptr_array_new_with_free_func (device_free);
  return self;
}

void
vb_device_restore_free (VbDeviceRestore *self)
{
  vb_pool_layout_free (self->folder);
  g_free (self->operation);
  g_free (self->vps);
  g_free (self->backup);
  g_ptr_array_unref (self->devices);
  g_free (self);
}

VbDeviceRestoreState
vb_device_restore_get_state (VbDeviceRestore *self)
{
  return self->state;
}

guint
vb_device_restore_get_count (VbDeviceRestore *self)
{
  return self->devices->len;
}

/* --- the note --- */

static char *
note_name (const char *operation)
{
  return g_strdup_printf (".restore.%s.json", operation);
}

static char *
note_text (VbDeviceRestore *self)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *disks = json_array_new ();

  for (guint i = 0; i < self->devices->len; i++)
    {
      const Device *device = g_ptr_array_index (self->devices, i);
      JsonObject *disk = json_object_new ();
      json_object_set_string_member (disk, "target", device->target);
      json_object_set_string_member (disk, "from", device->from);
      json_object_set_string_member (disk, "path", device->path);
      json_array_add_object_element (disks, disk);
    }
  json_object_set_string_member (object, "format", FORMAT);
  json_object_set_int_member (object, "version", VERSION);
  json_object_set_string_member (object, "vps", self->vps);
  json_object_set_string_member (object, "backup", self->backup);
  json_object_set_string_member (object, "state", state_names[self->state]);
  json_object_set_array_member (object, "disks", disks);

  g_autoptr (JsonNode) root = json_node_init_object (json_node_alloc (), object);
  return json_to_string (root, FALSE);
}

static gboolean
save (VbDeviceRestore *self, VbDeviceRestoreState state, GError **error)
{
  g_autofree char *name = note_name (self->operation);
  VbDeviceRestoreState before = self->state;

  vb_autofd int root = vb_pool_layout_open (self->folder, NULL, error);
  if (root < 0)
    return FALSE;
  self->state = state;
  g_autofree char *text = note_text (self);
  if (VB_FAULT_AROUND (vb_files_replace (root, name, text, strlen (text), error), "in-place.%s",
                       state_names[state]))
    {
      self->noted = TRUE;
      return TRUE;
    }
  self->state = before;
  return FALSE;
}

gboolean
vb_device_restore_note (VbDeviceRestore *self, GError **error)
{
  return save (self, VB_IN_PLACE_STAGED, error);
}

static gboolean
take_note (VbDeviceRestore *self, JsonObject *object)
{
  guint64 version;
  const char *state = vb_strict_json_get_string (object, "state");
  JsonArray *disks = vb_strict_json_get_array (object, "disks");

  if (g_strcmp0 (vb_strict_json_get_string (object, "format"), FORMAT) != 0 || disks == NULL
      || state == NULL || !vb_strict_json_get_bytes (object, "version", &version)
      || version != VERSION)
    return FALSE;
  self->vps = g_strdup (vb_strict_json_get_string (object, "vps"));
  self->backup = g_strdup (vb_strict_json_get_string (object, "backup"));
  for (guint i = 0; i < json_array_get_length (disks); i++)
    {
      JsonObject *disk = json_array_get_object_element (disks, i);
      Device *device = g_new0 (Device, 1);
      device->target = g_strdup (vb_strict_json_get_string (disk, "target"));
      device->from = g_strdup (json_object_has_member (disk, "from")
                                   ? vb_strict_json_get_string (disk, "from")
                                   : device->target);
      device->path = g_strdup (vb_strict_json_get_string (disk, "path"));
      g_ptr_array_add (self->devices, device);
      if (!vb_manifest_is_target (device->target) || !vb_manifest_is_target (device->from)
          || device->path == NULL)
        return FALSE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (state_names); i++)
    if (g_str_equal (state, state_names[i]))
      {
        self->state = (VbDeviceRestoreState) i;
        self->noted = TRUE;
      }
  return self->noted;
}

static gboolean
find_devices (VbDeviceRestore *self, GPtrArray *disks, GError **error)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      Device *device = g_ptr_array_index (self->devices, i);
      const VbDisk *found = NULL;
      for (guint j = 0; found == NULL && j < disks->len; j++)
        {
          const VbDisk *disk = g_ptr_array_index (disks, j);
          found = disk->is_block && g_str_equal (disk->target, device->target) ? disk : NULL;
        }
      if (found == NULL)
        {
          g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING,
                       "The VPS has no block device %s any more", device->target);
          return FALSE;
        }
      g_free (device->path);
      device->path = g_strdup (found->path);
    }
  return TRUE;
}

/* Returns: %FALSE with @error; *@found is %NULL when nothing is noted */
static gboolean
load_note (const VbPoolLayout *folder,
           const char *operation,
           VbDeviceRestore **found,
           GError **error)
{
  gsize length;
  g_autofree char *name = note_name (operation);

  *found = NULL;
  vb_autofd int root = vb_pool_layout_open (folder, NULL, error);
  if (root < 0)
    return FALSE;
  if (!vb_files_exists (root, name))
    return TRUE;
  g_autofree char *text = vb_files_read (root, name, MAX_NOTE_BYTES, &length, error);
  g_autoptr (JsonObject) object = text ? vb_strict_json_parse (text, length, error) : NULL;
  if (object == NULL)
    return FALSE;

  g_autoptr (VbDeviceRestore) self = vb_device_restore_new (folder, operation, NULL, NULL);
  if (!take_note (self, object))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "The note %s about an unfinished restore is damaged", name);
      return FALSE;
    }
  *found = g_steal_pointer (&self);
  return TRUE;
}

gboolean
vb_device_restore_load (const VbPoolLayout *folder,
                        const char *operation,
                        GPtrArray *disks,
                        VbDeviceRestore **found,
                        GError **error)
{
  g_autoptr (VbDeviceRestore) self = NULL;

  *found = NULL;
  if (!load_note (folder, operation, &self, error)
      || (self != NULL && !find_devices (self, disks, error)))
    return FALSE;
  *found = g_steal_pointer (&self);
  return TRUE;
}

gboolean
vb_device_restore_find (const VbPoolLayout *folder,
                        const char *operation,
                        char **vps,
                        char **backup,
                        GError **error)
{
  g_autoptr (VbDeviceRestore) self = NULL;

  if (!load_note (folder, operation, &self, error))
    return FALSE;
  if (self == NULL || self->vps == NULL || self->backup == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "Nothing is noted of the operation %s",
                   operation);
      return FALSE;
    }
  *vps = g_strdup (self->vps);
  *backup = g_strdup (self->backup);
  return TRUE;
}

gboolean
vb_device_restore_forget (VbDeviceRestore *self, GError **error)
{
  g_autofree char *name = note_name (self->operation);

  if (self->state == VB_IN_PLACE_WRITING)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_TOO_LATE,
                           "A disk is half overwritten and has to be completed");
      return FALSE;
    }
  if (!self->noted)
    return TRUE;
  vb_autofd int root = vb_pool_layout_open (self->folder, NULL, error);
  if (root < 0 || !VB_FAULT_AROUND (vb_files_remove (root, name, error), "in-place.forget")
      || !vb_files_sync (root, "the pool", error))
    return FALSE;
  self->noted = FALSE;
  return TRUE;
}

/* --- devices --- */

gboolean
vb_device_restore_add (VbDeviceRestore *self,
                       const char *target,
                       const char *path,
                       const VbBackupDisk *from,
                       GError **error)
{
  guint64 size;
  struct stat info;
  Device *device = g_new0 (Device, 1);

  device->target = g_strdup (target);
  device->from = g_strdup (from->target);
  device->path = g_strdup (path);
  g_ptr_array_add (self->devices, device);
  /* Without O_EXCL: the VPS may still run on it. */
  vb_autofd int fd = vb_safe_open_resolved (path, O_RDONLY);
  if (fd < 0 || fstat (fd, &info) != 0 || !S_ISBLK (info.st_mode)
      || ioctl (fd, BLKGETSIZE64, &size) != 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, "The disk %s is not a block device",
                   target);
      return FALSE;
    }
  device->number = info.st_rdev;
  return vb_device_writer_check_size (target, size, from->virtual_size_bytes, error);
}

/* Between the look at it and now the VPS has been stopped, and its volume may have gone: names like
 * /dev/dm-3 are given to the next one. */
static gboolean
check_same (const Device *device, VbDeviceWriter *writer, GError **error)
{
  if (device->number == 0 || vb_device_writer_get_number (writer) == device->number)
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING,
               "The device of %s is another one than before; nothing was written", device->target);
  return FALSE;
}

/* All that can be refused is refused before the first byte is written. */
static GPtrArray *
open_writers (VbDeviceRestore *self, int backup, GError **error)
{
  g_autoptr (GPtrArray) writers
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_device_writer_free);

  for (guint i = 0; i < self->devices->len; i++)
    {
      const Device *device = g_ptr_array_index (self->devices, i);
      VbDeviceWriter *writer = vb_device_writer_open (device->from, device->path, backup, error);
      if (writer == NULL)
        return NULL;
      g_ptr_array_add (writers, writer);
      if (!check_same (device, writer, error))
        return NULL;
    }
  return g_steal_pointer (&writers);
}

/* Known already, unless this is the second try or somebody else's. */
static gboolean
set_total (GPtrArray *writers, VbTransfer *transfer, GError **error)
{
  guint64 done, total, bytes, todo = 0;

  vb_transfer_get (transfer, &done, &total);
  for (guint i = 0; i < writers->len; i++)
    {
      if (!vb_device_writer_get_todo (g_ptr_array_index (writers, i), &bytes, error))
        return FALSE;
      todo += bytes;
    }
  if (total == 0)
    vb_transfer_set_total (transfer, todo);
  return TRUE;
}

gboolean
vb_device_restore_write (VbDeviceRestore *self, VbTransfer *transfer, GError **error)
{
  g_autoptr (VbTransfer) counted = transfer ? g_object_ref (transfer) : vb_transfer_new (NULL, 0);

  if (self->state == VB_IN_PLACE_WRITTEN)
    return TRUE;
  vb_autofd int root = vb_pool_layout_open (self->folder, NULL, error);
  vb_autofd int backup
      = root >= 0 ? vb_pool_layout_open_backup (root, self->vps, self->backup, error) : -1;
  g_autoptr (GPtrArray) writers = backup >= 0 ? open_writers (self, backup, error) : NULL;
  if (writers == NULL || !set_total (writers, counted, error)
      || !save (self, VB_IN_PLACE_WRITING, error))
    return FALSE;
  for (guint i = 0; i < writers->len; i++)
    if (!VB_FAULT_AROUND (vb_device_writer_run (g_ptr_array_index (writers, i), counted, error),
                          "in-place.device"))
      return FALSE;
  return save (self, VB_IN_PLACE_WRITTEN, error);
}
