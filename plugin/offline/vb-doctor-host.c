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

static void
check_all_vps (VbDoctor *self, virConnect *connection)
{
  virDomainPtr *domains = NULL;
  int count = virConnectListAllDomains (connection, &domains, 0);

  for (int i = 0; i < count; i++)
    {
      vb_doctor_vps_check (self, domains[i]);
      virDomainFree (domains[i]);
    }
  free (domains);
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
  check_versions (self, connection);
  if (has_model (connection, "apparmor"))
    vb_doctor_check_apparmor (self);
  if (has_model (connection, "selinux"))
    vb_doctor_check_selinux (self);
  check_all_vps (self, connection);
}
