/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-power-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "core/base/vb-log.h"
#include "core/base/vb-safe-open.h"

struct _VbPowerLock
{
  char *folder;
  char *path;
  char *vps;
  char *operation;
  int fd;
};

static gboolean
write_line (int fd, const char *word, const char *operation)
{
  g_autofree char *line = g_strdup_printf ("%s %s\n", word, operation);
  gsize length = strlen (line);
  /* Nobody else can open it, and lock it, before we have. */
  return flock (fd, LOCK_EX | LOCK_NB) == 0 && write (fd, line, length) == (gssize) length
         && fchmod (fd, 0644) == 0 && fsync (fd) == 0;
}

/* The file appears under its name complete and locked already: a hook that runs at any instant sees
 * either the lock before or this one. */
static gboolean
replace_file (VbPowerLock *self, const char *word, GError **error)
{
  g_autofree char *temporary = g_strdup_printf ("%s/.%s.new", self->folder, self->vps);
  unlink (temporary);
  int fd = open (temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      vb_error_set_errno (error, errno, "Failed to create the lock file %s", temporary);
      return FALSE;
    }
  if (!write_line (fd, word, self->operation)
      || VB_FAULT_AROUND (g_rename (temporary, self->path), "lock.%s", word) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to write the lock file %s", self->path);
      unlink (temporary);
      close (fd);
      return FALSE;
    }
  if (self->fd >= 0)
    close (self->fd);
  self->fd = fd;
  if (vb_safe_open_sync_folder (self->folder))
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to make the lock file %s durable", self->path);
  return FALSE;
}

static void
power_lock_free (VbPowerLock *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->vps);
  g_free (self->operation);
  g_free (self);
}

VbPowerLock *
vb_power_lock_acquire (const char *state_folder,
                       const char *vps,
                       const char *word,
                       const char *operation,
                       GError **error)
{
  VbPowerLock *self = g_new0 (VbPowerLock, 1);
  self->folder = g_build_filename (state_folder, "locks", NULL);
  self->path = g_build_filename (self->folder, vps, NULL);
  self->vps = g_strdup (vps);
  self->operation = g_strdup (operation);
  self->fd = -1;

  if (g_mkdir_with_parents (self->folder, 0755) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to create the folder %s", self->folder);
      power_lock_free (self);
      return NULL;
    }
  if (!replace_file (self, word, error))
    {
      if (self->fd >= 0)
        unlink (self->path);
      power_lock_free (self);
      return NULL;
    }
  return self;
}

gboolean
vb_power_lock_change (VbPowerLock *self, const char *word, GError **error)
{
  return replace_file (self, word, error);
}

void
vb_power_lock_release (VbPowerLock *self)
{
  VB_FAULT_POINT ("unlock.before");
  unlink (self->path);
  vb_safe_open_sync_folder (self->folder);
  VB_FAULT_POINT ("unlock.after");
  power_lock_free (self);
}

void
vb_power_lock_leave (VbPowerLock *self)
{
  power_lock_free (self);
}

/* --- what dead owners have left --- */

void
vb_power_lock_left_free (VbPowerLockLeft *self)
{
  g_free (self->vps);
  g_free (self->operation);
  g_free (self);
}

/* Returns: (transfer full) (nullable): what the file of a dead owner says; @is_swap: (out): and
 * whether that is "swap" */
static VbPowerLockLeft *
read_left (int fd, const char *vps, gboolean *is_swap)
{
  char text[256];
  gssize length = pread (fd, text, sizeof text - 1, 0);

  text[MAX (length, 0)] = '\0';
  g_auto (GStrv) words = g_strsplit_set (text, " \n", 3);
  VbPowerLockLeft *left = g_new0 (VbPowerLockLeft, 1);
  left->vps = g_strdup (vps);
  *is_swap = g_strcmp0 (words[0], "swap") == 0;
  if (words[0] != NULL && words[1] != NULL && g_uuid_string_is_valid (words[1]))
    left->operation = g_strdup (words[1]);
  return left;
}

/* Shared: a hook that looks at this moment must not take us for the owner, nor we it. */
static int
open_left (const char *path)
{
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  if (fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) != 0)
    {
      close (fd);
      fd = -1;
    }
  return fd;
}

static void
remove_if_stale (const char *folder, const char *name, GPtrArray *swaps)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  gboolean is_swap;
  int fd = open_left (path);

  if (fd < 0)
    return;
  g_autoptr (VbPowerLockLeft) left = read_left (fd, name, &is_swap);
  if (is_swap && g_uuid_string_is_valid (name))
    g_ptr_array_add (swaps, g_steal_pointer (&left));
  else
    {
      unlink (path);
      vb_log_info (name, NULL, NULL, "Removed the lock file of an operation that has ended");
    }
  close (fd);
}

GPtrArray *
vb_power_lock_sweep (const char *state_folder, GHashTable *keep)
{
  GPtrArray *swaps = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_power_lock_left_free);
  g_autofree char *folder = g_build_filename (state_folder, "locks", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (!g_hash_table_contains (keep, name))
      remove_if_stale (folder, name, swaps);
  return swaps;
}

gboolean
vb_power_lock_check_whole (const char *state_folder, const char *vps, GError **error)
{
  g_autofree char *path = g_build_filename (state_folder, "locks", vps, NULL);
  gboolean is_swap = FALSE;
  int fd = open_left (path);

  if (fd < 0)
    return TRUE;
  g_autoptr (VbPowerLockLeft) left = read_left (fd, vps, &is_swap);
  close (fd);
  if (is_swap)
    g_set_error_literal (
        error, VB_ERROR, VB_ERROR_OPERATION_RUNNING,
        "A restore of this VPS was not finished: its disks may be half overwritten");
  return !is_swap;
}
