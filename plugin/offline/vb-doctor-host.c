/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-doctor.h"

#include <string.h>

#include "vb-doctor-vps.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-offline-libvirt.h"
#include "libvirt/xml/vb-xml.h"

/* libvirt counts 1,000,000 × major + 1,000 × minor + micro. */
#define LIBVIRT_MIN 9000000
/* The first whose jobs and bitmaps behave as we need them to. */
#define QEMU_MIN 6000000

#define SELINUX_ENFORCE "/sys/fs/selinux/enforce"
#define APPARMOR_LOCAL "/etc/apparmor.d/local/abstractions/libvirt-qemu"

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
               const char *package)
{
  g_autofree char *have = format_version (version);
  g_autofree char *need = format_version (minimum);
  VbFinding *finding;

  if (version >= minimum)
    {
      vb_findings_add (self->findings, check, VB_VERDICT_OK, _ ("%s %s can do all that is needed."),
                       program, have);
      return;
    }
  finding = vb_findings_add (self->findings, check, VB_VERDICT_PROBLEM,
                             _ ("%s %s is too old: backups with bitmaps need %s."), program, have,
                             need);
  vb_finding_set_remedy (finding, "apt install %s", package);
}

static void
check_versions (VbDoctor *self, virConnect *connection)
{
  unsigned long version = 0;

  if (virConnectGetLibVersion (connection, &version) == 0)
    check_version (self, "libvirt", "libvirt", version, LIBVIRT_MIN, "libvirt-daemon-system");
  if (virConnectGetVersion (connection, &version) == 0 && version > 0)
    check_version (self, "qemu", "QEMU", version, QEMU_MIN, "qemu-system-x86");
}

static void
check_programs (VbDoctor *self)
{
  static const char *const programs[] = { "qemu-img", "qemu-nbd" };

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *path = g_find_program_in_path (programs[i]);
      VbFinding *finding;

      if (path != NULL)
        continue;
      finding = vb_findings_add (self->findings, "programs", VB_VERDICT_PROBLEM,
                                 _ ("%s is not installed: VPSs that are off cannot be backed up."),
                                 programs[i]);
      vb_finding_set_remedy (finding, "apt install qemu-utils");
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

static void
check_apparmor (VbDoctor *self, virConnect *connection)
{
  g_autofree char *rules = NULL;
  VbFinding *finding;

  if (!has_model (connection, "apparmor"))
    return;
  if (g_file_get_contents (APPARMOR_LOCAL, &rules, NULL, NULL)
      && strstr (rules, self->runtime_folder) != NULL)
    {
      vb_findings_add (self->findings, "confinement", VB_VERDICT_OK,
                       _ ("AppArmor lets QEMU open the sockets in %s."), self->runtime_folder);
      return;
    }
  finding = vb_findings_add (
      self->findings, "confinement", VB_VERDICT_PROBLEM,
      _ ("AppArmor keeps QEMU from opening sockets in %s, so running VPSs cannot be backed up."),
      self->runtime_folder);
  vb_finding_set_remedy (finding, "echo '%s/** rwk,' >>%s && systemctl reload apparmor",
                         self->runtime_folder, APPARMOR_LOCAL);
}

static void
check_selinux (VbDoctor *self, virConnect *connection)
{
  g_autofree char *enforce = NULL;
  VbFinding *finding;

  if (!has_model (connection, "selinux")
      || !g_file_get_contents (SELINUX_ENFORCE, &enforce, NULL, NULL) || *enforce != '1')
    return;
  finding = vb_findings_add (self->findings, "confinement", VB_VERDICT_HINT,
                             _ ("SELinux is enforcing; it may keep QEMU from opening sockets in %s "
                                "unless they are labelled for it."),
                             self->runtime_folder);
  vb_finding_set_remedy (finding,
                         "semanage fcontext -a -t qemu_var_run_t '%s(/.*)?' && restorecon -R %s",
                         self->runtime_folder, self->runtime_folder);
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
  VbFinding *finding;

  check_programs (self);
  if (connection == NULL)
    {
      finding
          = vb_findings_add (self->findings, "libvirt", VB_VERDICT_PROBLEM, "%s", error->message);
      vb_finding_set_remedy (finding, "systemctl start libvirtd");
      return;
    }
  check_versions (self, connection);
  check_apparmor (self, connection);
  check_selinux (self, connection);
  check_all_vps (self, connection);
}
