/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-i18n.h"
#include "core/operations/vb-power-lock.h"

#define DEFAULT_LOCKS "/var/lib/vps-backup/locks"

static const char *const daemons[] = { "/run/libvirtd.pid", "/run/virtqemud.pid" };

static gint64
in_ns (const struct timespec *time)
{
  return time->tv_sec * G_GINT64_CONSTANT (1000000000) + time->tv_nsec;
}

/* Returns: whether a libvirt daemon runs; @started_ns: (out): since when, UNIX time */
static gboolean
find_daemon (char **pid, const char **pid_file, gint64 *started_ns)
{
  for (guint i = 0; i < G_N_ELEMENTS (daemons); i++)
    {
      g_autofree char *text = NULL;
      g_autofree char *process = NULL;
      struct stat info;

      if (!g_file_get_contents (daemons[i], &text, NULL, NULL))
        continue;
      process = g_build_filename ("/proc", g_strstrip (text), NULL);
      if (*text == '\0' || stat (process, &info) != 0)
        continue;
      /* It writes its file once, when it starts. */
      if (stat (daemons[i], &info) != 0)
        continue;
      *pid = g_steal_pointer (&text);
      *pid_file = daemons[i];
      *started_ns = in_ns (&info.st_mtim);
      return TRUE;
    }
  return FALSE;
}

/* A daemon that had any hook for QEMU when it started looks for all of them each time. */
static gboolean
had_other_hook (VbDoctor *self, gint64 started_ns)
{
  g_autofree char *folder = g_build_filename (self->hooks_folder, "qemu.d", NULL);
  g_autofree char *single = g_build_filename (self->hooks_folder, "qemu", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  struct stat info;

  if (stat (single, &info) == 0 && (info.st_mode & S_IXUSR) && in_ns (&info.st_ctim) < started_ns)
    return TRUE;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (stat (path, &info) == 0 && S_ISREG (info.st_mode) && (info.st_mode & S_IXUSR)
          && in_ns (&info.st_ctim) < started_ns)
        return TRUE;
    }
  return FALSE;
}

static void
check_seen (VbDoctor *self)
{
  g_autofree char *pid = NULL;
  const char *pid_file = NULL;
  gint64 started_ns = 0;
  VbFinding *finding;

  if (!find_daemon (&pid, &pid_file, &started_ns) || had_other_hook (self, started_ns))
    {
      vb_findings_add (
          self->findings, "hook", VB_VERDICT_OK,
          _ ("The hook that keeps a VPS from starting during a restore is installed."));
      return;
    }
  finding = vb_findings_add (
      self->findings, "hook", VB_VERDICT_HINT,
      _ ("The hook is newer than the libvirt daemon that runs, which does not know "
         "it unless it was told."));
  vb_finding_set_remedy (finding, "kill -HUP $(cat %s)", pid_file);
}

static void
check_locks (VbDoctor *self)
{
  g_autofree char *expected = g_build_filename (self->state_folder, "locks", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  const char *known = DEFAULT_LOCKS;
  VbFinding *finding;

  if (g_file_get_contents (self->locks_file, &text, NULL, NULL))
    {
      lines = g_strsplit (text, "\n", 2);
      known = g_strstrip (lines[0]);
    }
  if (g_strcmp0 (known, expected) == 0)
    return;
  finding = vb_findings_add (
      self->findings, "hook", VB_VERDICT_PROBLEM,
      _ ("The hook looks for locks in %s, but the service keeps them in %s."), known, expected);
  vb_finding_set_remedy (finding, "echo %s >%s", expected, self->locks_file);
}

/* A restore that was killed while it overwrote disks; with a service that runs it is taken up
 * within moments, unless the journal was lost. */
static void
check_left (VbDoctor *self, const char *folder, const char *vps)
{
  g_autofree char *path = g_build_filename (folder, vps, NULL);
  g_autoptr (GError) error = NULL;

  if (!g_uuid_string_is_valid (vps) || vb_power_lock_check_whole (self->state_folder, vps, &error))
    return;
  VbFinding *finding = vb_findings_add (self->findings, "locks", VB_VERDICT_PROBLEM,
                                        _ ("The VPS %s was left in the middle of a restore: its "
                                           "disks may be half overwritten, and it "
                                           "does not start."),
                                        vps);
  vb_finding_set_remedy (finding, "vps-backupctl restore %s BACKUP   # %s: rm %s", vps,
                         _ ("or, only if its disks are known to be whole"), path);
}

static void
check_all_left (VbDoctor *self)
{
  g_autofree char *folder = g_build_filename (self->state_folder, "locks", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    check_left (self, folder, name);
}

void
vb_doctor_check_hook (VbDoctor *self)
{
  check_all_left (self);
  g_autofree char *path = g_build_filename (self->hooks_folder, "qemu.d", "vps-backup", NULL);
  VbFinding *finding;

  if (access (path, F_OK) != 0)
    {
      finding = vb_findings_add (self->findings, "hook", VB_VERDICT_HINT,
                                 _ ("The libvirt hook is not installed: nothing stops a “virsh "
                                    "start” in the middle of a restore."));
      vb_finding_set_remedy (finding, "meson install -C build --tags hook   # %s",
                             _ ("or install the package again"));
      return;
    }
  if (access (path, X_OK) != 0)
    {
      finding = vb_findings_add (self->findings, "hook", VB_VERDICT_PROBLEM,
                                 _ ("The libvirt hook %s is not executable."), path);
      vb_finding_set_remedy (finding, "chmod 755 %s", path);
      return;
    }
  check_seen (self);
  check_locks (self);
}
