/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-host-tools.h"

#define MODULAR "virtqemud"
#define MONOLITHIC "libvirtd"

static gboolean
has_program (const char *name)
{
  g_autofree char *path = g_find_program_in_path (name);
  return path != NULL;
}

char *
vb_host_tools_dup_install (const char *debian, const char *fedora, const char *suse)
{
  if (has_program ("dnf") && !has_program ("apt-get"))
    return g_strconcat ("dnf install ", fedora ? fedora : debian, NULL);
  if (has_program ("zypper") && !has_program ("apt-get"))
    return g_strconcat ("zypper install ", suse ? suse : debian, NULL);
  return g_strconcat ("apt install ", debian, NULL);
}

static gboolean
has_unit (const char *root, const char *folder, const char *daemon)
{
  g_autofree char *name = g_strconcat (daemon, ".socket", NULL);
  g_autofree char *path = g_build_filename (root, folder, name, NULL);
  return g_file_test (path, G_FILE_TEST_IS_SYMLINK) || g_file_test (path, G_FILE_TEST_EXISTS);
}

char *
vb_host_tools_dup_start_libvirt (const char *root)
{
  static const char installed[] = "usr/lib/systemd/system";
  static const char enabled[] = "etc/systemd/system/sockets.target.wants";
  const char *top = root != NULL ? root : "/";
  gboolean modular = has_unit (top, installed, MODULAR);

  /* Many hosts have the files of both; then the one that is enabled counts. */
  if (modular && has_unit (top, installed, MONOLITHIC))
    modular = has_unit (top, enabled, MODULAR) && !has_unit (top, enabled, MONOLITHIC);
  return g_strdup (modular ? "systemctl start virtqemud.socket" : "systemctl start libvirtd");
}
