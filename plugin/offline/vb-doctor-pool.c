/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-doctor.h"

#include <sys/statfs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "storage/pool/vb-directory-pool.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define SCARCE_PERCENT 10

static void
check_reflinks (VbDoctor *self, const VbPoolStatus *status)
{
  VbFinding *finding;

  if (status->reflinks)
    {
      vb_findings_add (
          self->findings, "reflinks", VB_VERDICT_OK,
          _ ("The pool's file system has reflinks: a repeat backup costs what has changed."));
      return;
    }
  finding = vb_findings_add (self->findings, "reflinks", VB_VERDICT_HINT,
                             _ ("The pool's file system has no reflinks: every backup copies, and "
                                "takes up, the whole disk."));
  vb_finding_set_remedy (finding, "mkfs.xfs -m reflink=1 DEVICE   # %s",
                         _ ("and move the pool there; Btrfs will do as well"));
}

static void
check_space (VbDoctor *self, const VbPoolStatus *status)
{
  g_autofree char *free_text = g_format_size_full (status->free_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *total = g_format_size_full (status->total_bytes, G_FORMAT_SIZE_IEC_UNITS);
  VbFinding *finding;

  if (status->free_bytes / SCARCE_PERCENT > 0
      && status->free_bytes >= status->total_bytes / 100 * SCARCE_PERCENT)
    {
      vb_findings_add (self->findings, "space", VB_VERDICT_OK,
                       _ ("The pool has %s of %s free for backups."), free_text, total);
      return;
    }
  finding = vb_findings_add (self->findings, "space",
                             status->free_bytes > 0 ? VB_VERDICT_HINT : VB_VERDICT_PROBLEM,
                             _ ("The pool has only %s of %s free for backups."), free_text, total);
  vb_finding_set_remedy (finding, "vps-backupctl pool list %s   # %s", self->pool,
                         _ ("see what takes up the space, or make it larger"));
}

void
vb_doctor_check_pool (VbDoctor *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbPool) pool = (VbPool *) vb_directory_pool_new (self->pool, self->reserve, &error);
  VbPoolStatus status;
  VbFinding *finding;

  /* To look does not write; to try it does. */
  if (pool != NULL && self->pool_hangs && vb_pool_check_space (pool, 0, &error))
    {
      finding = vb_findings_add (self->findings, "pool", VB_VERDICT_PROBLEM,
                                 _ ("The pool %s is there, but the service cannot write to it."),
                                 self->pool);
      vb_finding_set_remedy (finding, "findmnt -T %s; dmesg | tail   # %s", self->pool,
                             _ ("journalctl -u vps-backupd says why"));
      return;
    }
  if (pool != NULL && !self->pool_hangs && vb_pool_check (pool, &status, &error))
    {
      vb_findings_add (self->findings, "pool", VB_VERDICT_OK, _ ("The pool %s is there."),
                       self->pool);
      check_reflinks (self, &status);
      check_space (self, &status);
      return;
    }
  finding = vb_findings_add (self->findings, "pool", VB_VERDICT_PROBLEM, "%s", error->message);
  vb_finding_set_remedy (finding, "mount %s   # %s vps-backupctl pool init %s", self->pool,
                         _ ("or, if it is new:"), self->pool);
}

void
vb_doctor_check_state (VbDoctor *self)
{
  struct statfs info;
  VbFinding *finding;

  if (statfs (self->state_folder, &info) != 0)
    {
      finding = vb_findings_add (self->findings, "state", VB_VERDICT_HINT,
                                 _ ("The state folder %s is not there yet; the service makes it."),
                                 self->state_folder);
      vb_finding_set_remedy (finding, "systemctl enable --now vps-backupd");
      return;
    }
  if (info.f_type != TMPFS_MAGIC)
    {
      vb_findings_add (self->findings, "state", VB_VERDICT_OK,
                       _ ("The state folder %s outlives a restart of the host."),
                       self->state_folder);
      return;
    }
  finding
      = vb_findings_add (self->findings, "state", VB_VERDICT_PROBLEM,
                         _ ("The state folder %s is in memory: locks and journal do not outlive a "
                            "restart of the host."),
                         self->state_folder);
  vb_finding_set_remedy (finding, "sed -i 's|^#*state-dir=.*|state-dir=/var/lib/vps-backup|' "
                                  "/etc/vps-backup/vps-backup.conf");
}
