/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-doctor.h"

#include "vb-doctor-vps.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-host-tools.h"
#include "vb-offline-libvirt.h"
#include "libvirt/xml/vb-xml.h"

/* libvirt counts 1,000,000 × major + 1,000 × minor + micro. */
#define LIBVIRT_MIN 9000000
/* The first whose jobs and bitmaps behave as we need them to. */
#define QEMU_MIN 6000000

static char *
format_version (unsigned long version)
{
  return g_strdup_printf ("%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

static void
check_version (VbDoctor *self,
               const char *check,
               const char *program,
               unsigned long version,
               unsigned long minimum,
               const char *debian,
               const char *fedora,
               const char *suse)
{
  g_autofree char *install = vb_host_tools_dup_install (debian, fedora, suse);
  g_autofree char *have = format_version (version);
  g_autofree char *need = format_version (minimum);
  VbFinding *finding;

  if (version >= minimum)
    {
      vb_findings_add (self->findings, check, VB_VERDICT_OK, _ ("%s %s is supported."), program,
                       have);
      return;
    }
  finding = vb_findings_add (self->findings, check, VB_VERDICT_PROBLEM,
                             _ ("%s %s is too old: backups with bitmaps need %s."), program, have,
                             need);
  vb_finding_set_remedy (finding, "%s", install);
}

static void
check_versions (VbDoctor *self, virConnect *connection)
{
  unsigned long version = 0;

  if (virConnectGetLibVersion (connection, &version) == 0)
    check_version (self, "libvirt", "libvirt", version, LIBVIRT_MIN, "libvirt-daemon-system",
                   "libvirt-daemon-kvm", "libvirt-daemon-qemu");
  if (virConnectGetVersion (connection, &version) == 0 && version > 0)
    check_version (self, "qemu", "QEMU", version, QEMU_MIN, "qemu-system-x86", "qemu-kvm",
                   "qemu-x86");
}

static void
check_programs (VbDoctor *self)
{
  static const char *const programs[] = { "qemu-img", "qemu-nbd" };
  g_autofree char *install = vb_host_tools_dup_install ("qemu-utils", "qemu-img", "qemu-tools");

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *path = g_find_program_in_path (programs[i]);
      VbFinding *finding;

      if (path != NULL)
        continue;
      finding = vb_findings_add (self->findings, "programs", VB_VERDICT_PROBLEM,
                                 _ ("%s is not installed: VPSs that are off cannot be backed up."),
                                 programs[i]);
      vb_finding_set_remedy (finding, "%s", install);
    }
}

/* ---- what confines QEMU ---- */

static gboolean
has_model (virConnect *connection, const char *model)
{
  char *text = virConnectGetCapabilities (connection);
  g_autoptr (xmlDoc) document = text != NULL ? vb_xml_parse (text) : NULL;
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;
  g_autofree char *path = g_strdup_printf ("/capabilities/host/secmodel[model='%s']", model);

  free (text);
  return context != NULL && vb_xml_has (context, NULL, path);
}

/* ---- all VPSs ---- */

/* QEMU has been asked by anybody for so long and has not answered. */
#define SILENT_MS 10000
#define N_LOOKS 20
#define LOOK_PAUSE_US (250 * 1000)
#define VPS_LIMIT_S 30
#define DAEMON_LIMIT_S 20

static void
free_domain (gpointer domain)
{
  virDomainFree (domain);
}

static void
look_at_vps (VbDoctor *self, gpointer domain)
{
  vb_doctor_vps_check (self, domain);
}

static VbFinding *
add_silent (VbDoctor *self, virDomainPtr domain, guint silent_s)
{
  VbFinding *finding
      = vb_findings_add (self->findings, "vps", VB_VERDICT_PROBLEM,
                         _ ("It has not answered for %u s: its QEMU, or the storage of a disk, "
                            "hangs. No operation on it comes to an end."),
                         silent_s);

  finding->vps = g_strdup (virDomainGetName (domain));
  vb_finding_set_remedy (finding, "virsh domcontrol %1$s; virsh domblklist %1$s   # %2$s",
                         finding->vps, _ ("virsh destroy ends it"));
  return finding;
}

/* Only what others wait for is known: to ask QEMU itself would leave one more call that hangs. While
 * a backup runs, libvirt says since when instead, so that one look is not enough. */
static void
look_at_qemu (VbDoctor *self, gpointer domain)
{
  virDomainControlInfo info = { 0 };

  for (guint i = 0; i < N_LOOKS; i++)
    {
      if (virDomainIsActive (domain) != 1 || virDomainGetControlInfo (domain, &info, 0) != 0
          || (info.state != VIR_DOMAIN_CONTROL_JOB && info.state != VIR_DOMAIN_CONTROL_OCCUPIED)
          || info.stateTime < SILENT_MS)
        return;
      g_usleep (LOOK_PAUSE_US);
    }
  add_silent (self, domain, (guint) (info.stateTime / 1000));
}

static void
check_vps (VbDoctor *self, virDomainPtr domain)
{
  const guint before = self->findings->len;

  virDomainRef (domain);
  if (!vb_doctor_limit (self, VPS_LIMIT_S, look_at_qemu, domain, free_domain))
    add_silent (self, domain, VPS_LIMIT_S);
  if (self->findings->len > before)
    return;
  virDomainRef (domain);
  if (!vb_doctor_limit (self, VPS_LIMIT_S, look_at_vps, domain, free_domain))
    add_silent (self, domain, VPS_LIMIT_S);
}

typedef struct
{
  virConnectPtr connection;
  GPtrArray *domains; /* of virDomainPtr */
} Daemon;

static void
daemon_free (gpointer data)
{
  Daemon *daemon = data;

  g_ptr_array_unref (daemon->domains);
  virConnectClose (daemon->connection);
  g_free (daemon);
}

static void
look_at_daemon (VbDoctor *self, gpointer data)
{
  Daemon *daemon = data;
  virDomainPtr *domains = NULL;

  check_versions (self, daemon->connection);
  if (has_model (daemon->connection, "apparmor"))
    vb_doctor_check_apparmor (self);
  if (has_model (daemon->connection, "selinux"))
    vb_doctor_check_selinux (self);
  int count = virConnectListAllDomains (daemon->connection, &domains, 0);
  for (int i = 0; i < count; i++)
    g_ptr_array_add (daemon->domains, domains[i]);
  free (domains);
}

/* Returns: (transfer full) (nullable): the domains; %NULL when the daemon does not answer */
static GPtrArray *
ask_daemon (VbDoctor *self, virConnectPtr connection)
{
  GPtrArray *domains = g_ptr_array_new_with_free_func (free_domain);
  Daemon *daemon = g_new0 (Daemon, 1);

  virConnectRef (connection);
  daemon->connection = connection;
  daemon->domains = g_ptr_array_ref (domains);
  if (!vb_doctor_limit (self, DAEMON_LIMIT_S, look_at_daemon, daemon, daemon_free))
    g_clear_pointer (&domains, g_ptr_array_unref);
  return domains;
}

void
vb_doctor_check_host (VbDoctor *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (virConnect) connection = vb_offline_connect (self->uri, &error);
  g_autofree char *start = vb_host_tools_dup_start_libvirt (self->root);
  VbFinding *finding;

  check_programs (self);
  if (connection == NULL)
    {
      finding
          = vb_findings_add (self->findings, "libvirt", VB_VERDICT_PROBLEM, "%s", error->message);
      vb_finding_set_remedy (finding, "%s", start);
      return;
    }
  g_autoptr (GPtrArray) domains = ask_daemon (self, connection);
  if (domains == NULL)
    {
      finding = vb_findings_add (self->findings, "libvirt", VB_VERDICT_PROBLEM,
                                 _ ("libvirt does not answer within %d s."), DAEMON_LIMIT_S);
      vb_finding_set_remedy (finding, "%s", start);
    }
  for (guint i = 0; domains != NULL && i < domains->len; i++)
    check_vps (self, g_ptr_array_index (domains, i));
}
