/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-state-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-error.h"

#define HOLD_TRIES 60
#define HOLD_PAUSE_US (50 * G_TIME_SPAN_MILLISECOND)

struct _VbStateFolder
{
  int lock_descriptor;
};

/* Made with the mode it is to have, whatever the umask of a foreign process says. */
static gboolean
make_folder (const char *path, GError **error)
{
  struct stat st;

  if (lstat (path, &st) < 0)
    {
      if (errno != ENOENT || g_mkdir_with_parents (path, 0755) < 0 || chmod (path, 0755) < 0
          || lstat (path, &st) < 0)
        {
          vb_error_set_errno (error, errno, "Failed to create the folder %s", path);
          return FALSE;
        }
    }
  if (!S_ISDIR (st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid ()) || (st.st_mode & 0022))
    {
      g_set_error (
          error, VB_ERROR, VB_ERROR_INTERNAL,
          "%s has to be a folder that belongs to root and that others may not write to; run: "
          "chown root %s && chmod go-w %s",
          path, path, path);
      return FALSE;
    }
  return TRUE;
}

static gboolean
take_hold (VbStateFolder *self, const char *path, GError **error)
{
  g_autofree char *file = g_build_filename (path, "lock", NULL);

  self->lock_descriptor = open (file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock_descriptor < 0)
    {
      vb_error_set_errno (error, errno, "Failed to open %s", file);
      return FALSE;
    }
  /* A service that was killed lets go of it only some moments after its process in front is gone
   * for whoever waited for that. */
  for (int tries = 0; flock (self->lock_descriptor, LOCK_EX | LOCK_NB) < 0; tries++)
    {
      if (tries == HOLD_TRIES)
        {
          g_set_error (
              error, VB_ERROR, VB_ERROR_INTERNAL,
              "Another process uses the state folder %s; stop it, or choose another folder", path);
          return FALSE;
        }
      g_usleep (HOLD_PAUSE_US);
    }
  return TRUE;
}

VbStateFolder *
vb_state_folder_open (const char *path, GError **error)
{
  g_autoptr (VbStateFolder) self = g_new0 (VbStateFolder, 1);
  g_autofree char *locks = g_build_filename (path, "locks", NULL);

  self->lock_descriptor = -1;
  if (!make_folder (path, error) || !make_folder (locks, error) || !take_hold (self, path, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
vb_state_folder_free (VbStateFolder *self)
{
  if (self->lock_descriptor >= 0)
    close (self->lock_descriptor);
  g_free (self);
}
