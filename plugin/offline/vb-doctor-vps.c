/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-doctor-vps.h"

#include <fcntl.h>
#include <libvirt/libvirt-qemu.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "libvirt/domain/vb-libvirt-definition.h"
#include "libvirt/domain/vb-libvirt-disks.h"
#include "libvirt/domain/vb-libvirt-domain.h"
#include "libvirt/domain/vb-libvirt-snapshots.h"

#define AGENT_TIMEOUT_S 5
#define IMAGES_US (10 * G_USEC_PER_SEC)
#define QCOW2_VERSION_OFFSET 4
/* The scratch file of a backup grows by what the guest writes meanwhile. */
#define SCRATCH_MIN_BYTES (G_GUINT64_CONSTANT (1) << 30)

static VbFinding *
add (VbDoctor *self, virDomainPtr domain, VbDeliveryOutcome verdict, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static VbFinding *
add (VbDoctor *self, virDomainPtr domain, VbDeliveryOutcome verdict, const char *format, ...)
{
  g_autofree char *text = NULL;
  VbFinding *finding;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  finding = vb_findings_add (self->findings, "vps", verdict, "%s", text);
  finding->vps = g_strdup (virDomainGetName (domain));
  return finding;
}

/* Version 2 images cannot keep a bitmap. */
static gboolean
is_old_qcow2 (const char *path)
{
  guint32 version = 0;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gboolean known
      = fd >= 0 && pread (fd, &version, sizeof version, QCOW2_VERSION_OFFSET) == sizeof version;

  if (fd >= 0)
    close (fd);
  return known && GUINT32_FROM_BE (version) < 3;
}

static void
check_format (VbDoctor *self, virDomainPtr domain, const VbDomainDisk *disk)
{
  VbFinding *finding;

  if (g_strcmp0 (disk->format, "qcow2") != 0)
    {
      finding
          = add (self, domain, VB_VERDICT_HINT,
                 _ ("The disk %s is raw and remembers no changes: every backup reads all of it."),
                 disk->target);
      if (!disk->is_block)
        vb_finding_set_remedy (finding, "qemu-img convert -O qcow2 %s %s.qcow2   # %s", disk->path,
                               disk->path, _ ("while it is off; then “virsh edit”"));
    }
  else if (is_old_qcow2 (disk->path))
    {
      finding = add (
          self, domain, VB_VERDICT_HINT,
          _ ("The disk %s is a qcow2 image of the old version, which remembers no changes: every "
             "backup reads all of it."),
          disk->target);
      vb_finding_set_remedy (finding, "qemu-img amend -f qcow2 -o compat=1.1 %s   # %s", disk->path,
                             _ ("while it is off"));
    }
}

static void
check_room (VbDoctor *self, virDomainPtr domain, const VbDomainDisk *disk)
{
  g_autofree char *folder = g_path_get_dirname (disk->path);
  struct statvfs status;
  VbFinding *finding;

  if (disk->is_block || statvfs (folder, &status) != 0
      || (guint64) status.f_bavail * status.f_frsize >= SCRATCH_MIN_BYTES)
    return;
  finding = add (self, domain, VB_VERDICT_PROBLEM,
                 _ ("There is too little room beside the disk %s for a backup while the VPS runs."),
                 disk->target);
  vb_finding_set_remedy (finding, "df -h %s", folder);
}

/* Returns: whether it can be backed up as far as this disk goes */
static gboolean
check_disk (VbDoctor *self, virDomainPtr domain, const VbDomainDisk *disk)
{
  VbFinding *finding;

  if (disk->skipped != NULL)
    return TRUE;
  if (disk->path == NULL || access (disk->path, F_OK) != 0)
    {
      finding = add (self, domain, VB_VERDICT_PROBLEM, _ ("The disk %s is not there: %s"),
                     disk->target, disk->path != NULL ? disk->path : disk->trouble->message);
      vb_finding_set_remedy (finding, "virsh domblklist %s", virDomainGetName (domain));
      return FALSE;
    }
  check_format (self, domain, disk);
  check_room (self, domain, disk);
  return TRUE;
}

/* A running VPS that would start with other disks, or has some that its definition lacks. */
static gboolean
check_definition (VbDoctor *self, virDomainPtr domain)
{
  g_autoptr (GError) error = NULL;
  VbFinding *finding;

  if (vb_libvirt_definition_check (domain, &error)
      || !g_error_matches (error, VB_ERROR, VB_ERROR_DEFINITION_DIFFERS))
    return TRUE;
  finding = add (self, domain, VB_VERDICT_PROBLEM, _ ("No backup of it can be restored now: %s"),
                 error->message);
  vb_finding_set_remedy (
      finding, "virsh domblklist %1$s; virsh domblklist --inactive %1$s   # %2$s",
      virDomainGetName (domain), _ ("attach with --config what is missing, or restart the VPS"));
  return FALSE;
}

static void
check_snapshots (VbDoctor *self, virDomainPtr domain, const VbDomainXml *xml)
{
  g_autoptr (GPtrArray) snapshots = NULL;
  gboolean stored = FALSE;
  VbFinding *finding;

  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      stored = stored || (disk->chain != NULL && vb_image_chain_has_snapshots (disk->chain));
    }
  if (stored)
    {
      finding = add (self, domain, VB_VERDICT_HINT,
                     _ ("Its disks hold internal snapshots: every backup reads all of them, and a "
                        "restore drops the snapshots."));
      vb_finding_set_remedy (finding, "virsh snapshot-list %1$s; virsh snapshot-delete %1$s NAME",
                             virDomainGetName (domain));
      return;
    }
  snapshots = vb_libvirt_snapshots_list (domain, NULL);
  if (snapshots == NULL || snapshots->len == 0)
    return;
  finding = add (self, domain, VB_VERDICT_HINT,
                 _ ("It has snapshots, which a restore drops: afterwards nothing rests on them."));
  vb_finding_set_remedy (finding, "virsh snapshot-list %s", virDomainGetName (domain));
}

static void
check_agent (VbDoctor *self, virDomainPtr domain, const VbDomainXml *xml)
{
  char *answer;
  VbFinding *finding;

  if (virDomainIsActive (domain) != 1)
    return;
  if (xml->agent_connected)
    {
      answer
          = virDomainQemuAgentCommand (domain, "{\"execute\":\"guest-ping\"}", AGENT_TIMEOUT_S, 0);
      if (answer != NULL)
        {
          free (answer);
          add (self, domain, VB_VERDICT_OK,
               _ ("The guest agent answers: backups while it runs hold whole file systems."));
          return;
        }
    }
  finding = add (self, domain, VB_VERDICT_HINT,
                 _ ("No guest agent: backups of the running VPS are crash-consistent only."));
  vb_finding_set_remedy (finding,
                         "apt install qemu-guest-agent || dnf install qemu-guest-agent   # %s",
                         _ ("inside the VPS, which needs a channel org.qemu.guest_agent.0"));
}

void
vb_doctor_vps_check (VbDoctor *self, virDomainPtr domain)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_xml (domain, &error);
  g_autofree char *unsupported = NULL;
  gboolean good = TRUE;

  if (xml == NULL
      || !vb_libvirt_disks_find_unsupported (domain, xml, IMAGES_US, &unsupported, &error))
    {
      add (self, domain, VB_VERDICT_PROBLEM, "%s", error->message);
      return;
    }
  if (unsupported != NULL)
    {
      add (self, domain, VB_VERDICT_PROBLEM, "%s", unsupported);
      return;
    }
  for (guint i = 0; i < xml->disks->len; i++)
    good = check_disk (self, domain, g_ptr_array_index (xml->disks, i)) && good;
  good = check_definition (self, domain) && good;
  check_snapshots (self, domain, xml);
  if (good)
    add (self, domain, VB_VERDICT_OK, _ ("It can be backed up."));
  check_agent (self, domain, xml);
}
