/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What confines QEMU, and whether it lets QEMU open the sockets on which it serves a backup. */
#include "vb-doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "core/base/vb-i18n.h"

/* libvirt's profiles include this file, and it includes one of the two below, or both. */
#define ABSTRACTION "etc/apparmor.d/abstractions/libvirt-qemu"
#define MODERN_FOLDER "etc/apparmor.d/abstractions/libvirt-qemu.d"
#define OLD_FILE "etc/apparmor.d/local/abstractions/libvirt-qemu"
#define RUNNING_PROFILES "/etc/apparmor.d/libvirt/libvirt-*-*-*-*-*"

#define SELINUX_ENFORCE "sys/fs/selinux/enforce"
#define SELINUX_CONFIG "etc/selinux/config"
/* What QEMU's domain may make sockets in, in every policy with libvirt. */
#define SELINUX_TYPE "qemu_var_run_t"

static char *
read_file (VbDoctor *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->root ? self->root : "/", name, NULL);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

/* ---- AppArmor ---- */

/* Whether a line that is not a comment holds @words. */
static gboolean
says (const char *text, const char *words)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strchug (lines[i]);
      /* An include may be written as a comment. */
      if ((*line != '#' || g_str_has_prefix (line, "#include")) && strstr (line, words) != NULL)
        return TRUE;
    }
  return FALSE;
}

/* A rule may name /run with or without /var. */
static gboolean
allows (VbDoctor *self, const char *text)
{
  const char *path = self->runtime_folder;
  g_autofree char *either
      = g_str_has_prefix (path, "/run/") ? g_strconcat ("/{,var/}", path + 1, "/", NULL) : NULL;
  g_autofree char *plain = g_strconcat (path, "/", NULL);

  return says (text, plain) || (either != NULL && says (text, either));
}

static gboolean
folder_allows (VbDoctor *self)
{
  g_autofree char *path = g_build_filename (self->root ? self->root : "/", MODERN_FOLDER, NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *relative = g_build_filename (MODERN_FOLDER, name, NULL);
      g_autofree char *text = read_file (self, relative);
      if (allows (self, text))
        return TRUE;
    }
  return FALSE;
}

static void
set_apparmor_remedy (VbDoctor *self, VbFinding *finding, gboolean modern)
{
  static const char reload[] = "apparmor_parser -r " RUNNING_PROFILES;

  if (modern)
    vb_finding_set_remedy (finding,
                           "mkdir -p /%s && echo '  %s/** rwk,' >/%s/vps-backup.local && %s",
                           MODERN_FOLDER, self->runtime_folder, MODERN_FOLDER, reload);
  else
    vb_finding_set_remedy (finding, "echo '  %s/** rwk,' >>/%s && %s", self->runtime_folder,
                           OLD_FILE, reload);
}

void
vb_doctor_check_apparmor (VbDoctor *self)
{
  g_autofree char *abstraction = read_file (self, ABSTRACTION);
  g_autofree char *old = read_file (self, OLD_FILE);
  gboolean takes_old = says (abstraction, "<local/abstractions/libvirt-qemu>");
  /* Whichever file it is, this line brings in the folder. */
  gboolean takes_folder = says (abstraction, "<abstractions/libvirt-qemu.d>")
                          || (takes_old && says (old, "<abstractions/libvirt-qemu.d>"));
  VbFinding *finding;

  if ((takes_folder && folder_allows (self)) || (takes_old && allows (self, old)))
    {
      vb_findings_add (self->findings, "confinement", VB_VERDICT_OK,
                       _ ("AppArmor lets QEMU open the sockets in %s."), self->runtime_folder);
      return;
    }
  finding = vb_findings_add (
      self->findings, "confinement", VB_VERDICT_PROBLEM,
      _ ("AppArmor keeps QEMU from opening sockets in %s, so running VPSs cannot be backed up."),
      self->runtime_folder);
  set_apparmor_remedy (self, finding, takes_folder || !takes_old);
}

/* ---- SELinux ---- */

/* Returns: (transfer full) (nullable): the type in the label of the runtime folder */
static char *
dup_type (VbDoctor *self)
{
  char label[256];
  ssize_t n = getxattr (self->runtime_folder, "security.selinux", label, sizeof label - 1);

  if (n <= 0)
    return NULL;
  label[n] = '\0';
  g_auto (GStrv) parts = g_strsplit (label, ":", 4);
  return g_strv_length (parts) >= 3 ? g_strdup (parts[2]) : NULL;
}

/* The policy knows /run and /var/run as one; semanage takes only the name that it calls the other
 * one by. */
static char *
dup_labelled_path (VbDoctor *self)
{
  g_autofree char *config = read_file (self, SELINUX_CONFIG);
  const char *type = strstr (config, "\nSELINUXTYPE=");
  g_autofree char *policy
      = type ? g_strndup (type + 13, strcspn (type + 13, " \t\r\n")) : g_strdup ("targeted");
  g_autofree char *name
      = g_build_filename ("etc/selinux", policy, "contexts/files", "file_contexts.subs_dist", NULL);
  g_autofree char *same = read_file (self, name);

  if (g_str_has_prefix (self->runtime_folder, "/run/") && says (same, "/run /var/run"))
    return g_strconcat ("/var", self->runtime_folder, NULL);
  return g_strdup (self->runtime_folder);
}

void
vb_doctor_check_selinux (VbDoctor *self)
{
  g_autofree char *enforce = read_file (self, SELINUX_ENFORCE);
  g_autofree char *type = dup_type (self);
  g_autofree char *path = dup_labelled_path (self);
  VbFinding *finding;

  if (*enforce != '1')
    return;
  if (g_strcmp0 (type, SELINUX_TYPE) == 0)
    {
      vb_findings_add (self->findings, "confinement", VB_VERDICT_OK,
                       _ ("SELinux lets QEMU open the sockets in %s."), self->runtime_folder);
      return;
    }
  finding = vb_findings_add (
      self->findings, "confinement", VB_VERDICT_PROBLEM,
      _ ("SELinux keeps QEMU from opening sockets in %s, whose type is %s: running VPSs cannot be "
         "backed up."),
      self->runtime_folder, type ? type : "-");
  vb_finding_set_remedy (finding,
                         "semanage fcontext -a -t " SELINUX_TYPE " '%s(/.*)?' && restorecon -RF %s",
                         path, self->runtime_folder);
}
