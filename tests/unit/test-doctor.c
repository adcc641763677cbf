/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What doctor says of a host whose files are in a folder of the test's own. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "offline/vb-doctor.h"
#include "offline/vb-host-tools.h"

#define ABSTRACTIONS "etc/apparmor.d/abstractions"
#define MODERN "  include if exists <abstractions/libvirt-qemu.d>\n"
#define OLD "  #include <local/abstractions/libvirt-qemu>\n"
#define OLD_FILE "etc/apparmor.d/local/abstractions/libvirt-qemu"
#define SUBS "etc/selinux/targeted/contexts/files/file_contexts.subs_dist"

typedef struct
{
  char *root;
  char *runtime;
  VbDoctor doctor;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->root = g_dir_make_tmp ("vb-doctor-XXXXXX", NULL);
  fixture->doctor
      = (VbDoctor){ .root = fixture->root,
                    .runtime_folder = "/run/vps-backup",
                    .findings = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_finding_free) };
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  const char *command[] = { "rm", "-rf", fixture->root, NULL };

  g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
  g_ptr_array_unref (fixture->doctor.findings);
  g_free (fixture->runtime);
  g_free (fixture->root);
}

static void
put (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* The last finding. */
static const VbFinding *
look (Fixture *fixture, void (*check) (VbDoctor *))
{
  check (&fixture->doctor);
  g_assert_cmpuint (fixture->doctor.findings->len, >, 0);
  return g_ptr_array_index (fixture->doctor.findings, fixture->doctor.findings->len - 1);
}

static void
expect_apparmor (Fixture *fixture, VbDeliveryOutcome verdict, const char *place)
{
  const VbFinding *found = look (fixture, vb_doctor_check_apparmor);

  g_assert_cmpstr (found->check, ==, "confinement");
  g_assert_cmpint (found->verdict, ==, verdict);
  if (place != NULL)
    g_assert_nonnull (strstr (found->remedy, place));
  else
    g_assert_null (found->remedy);
}

static void
test_apparmor_modern (Fixture *fixture, gconstpointer unused)
{
  put (fixture, ABSTRACTIONS "/libvirt-qemu", MODERN OLD);
  expect_apparmor (fixture, VB_VERDICT_PROBLEM, "/etc/apparmor.d/abstractions/libvirt-qemu.d/");
  put (fixture, ABSTRACTIONS "/libvirt-qemu.d/vps-backup", "# /run/vps-backup/** rwk,\n");
  expect_apparmor (fixture, VB_VERDICT_PROBLEM, "libvirt-qemu.d/");
  put (fixture, ABSTRACTIONS "/libvirt-qemu.d/vps-backup", "  /{,var/}run/vps-backup/** rwk,\n");
  expect_apparmor (fixture, VB_VERDICT_OK, NULL);
}

static void
test_apparmor_old (Fixture *fixture, gconstpointer unused)
{
  put (fixture, ABSTRACTIONS "/libvirt-qemu", OLD);
  expect_apparmor (fixture, VB_VERDICT_PROBLEM, ">>/" OLD_FILE);
  /* Nothing reads this folder here. */
  put (fixture, ABSTRACTIONS "/libvirt-qemu.d/vps-backup", "  /run/vps-backup/** rwk,\n");
  expect_apparmor (fixture, VB_VERDICT_PROBLEM, ">>/" OLD_FILE);
  /* Unless the old place says so, as the package's installation makes it do. */
  put (fixture, OLD_FILE, MODERN);
  expect_apparmor (fixture, VB_VERDICT_OK, NULL);
  put (fixture, OLD_FILE, "  /run/vps-backup/** rwk,\n");
  expect_apparmor (fixture, VB_VERDICT_OK, NULL);
}

static void
test_apparmor_other_folder (Fixture *fixture, gconstpointer unused)
{
  fixture->doctor.runtime_folder = "/srv/sockets";
  put (fixture, ABSTRACTIONS "/libvirt-qemu", MODERN);
  put (fixture, ABSTRACTIONS "/libvirt-qemu.d/vps-backup", "  /{,var/}run/vps-backup/** rwk,\n");
  expect_apparmor (fixture, VB_VERDICT_PROBLEM, "'  /srv/sockets/** rwk,'");
}

static void
test_selinux_remedy (Fixture *fixture, gconstpointer unused)
{
  put (fixture, "sys/fs/selinux/enforce", "0");
  vb_doctor_check_selinux (&fixture->doctor);
  g_assert_cmpuint (fixture->doctor.findings->len, ==, 0);

  put (fixture, "sys/fs/selinux/enforce", "1");
  put (fixture, "etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
  put (fixture, SUBS, "/run /var/run\n/run/lock /var/lock\n");
  const VbFinding *found = look (fixture, vb_doctor_check_selinux);
  g_assert_cmpint (found->verdict, ==, VB_VERDICT_PROBLEM);
  g_assert_nonnull (strstr (found->remedy, "'/var/run/vps-backup(/.*)?' && restorecon"));

  put (fixture, SUBS, "/var/run /run\n");
  found = look (fixture, vb_doctor_check_selinux);
  g_assert_nonnull (strstr (found->remedy, "'/run/vps-backup(/.*)?' && restorecon"));
}

static void
expect_label (Fixture *fixture, const char *label, VbDeliveryOutcome verdict)
{
  if (setxattr (fixture->root, "security.selinux", label, strlen (label) + 1, 0) != 0)
    g_test_skip (g_strerror (errno));
  else
    g_assert_cmpint (look (fixture, vb_doctor_check_selinux)->verdict, ==, verdict);
}

static void
test_selinux_label (Fixture *fixture, gconstpointer unused)
{
  put (fixture, "sys/fs/selinux/enforce", "1");
  fixture->doctor.runtime_folder = fixture->root;
  g_assert_cmpint (look (fixture, vb_doctor_check_selinux)->verdict, ==, VB_VERDICT_PROBLEM);
  expect_label (fixture, "system_u:object_r:var_run_t:s0", VB_VERDICT_PROBLEM);
  expect_label (fixture, "system_u:object_r:qemu_var_run_t:s0", VB_VERDICT_OK);
}

static void
expect_start (Fixture *fixture, const char *command)
{
  g_autofree char *start = vb_host_tools_dup_start_libvirt (fixture->root);
  g_assert_cmpstr (start, ==, command);
}

static void
test_daemons (Fixture *fixture, gconstpointer unused)
{
  expect_start (fixture, "systemctl start libvirtd");
  put (fixture, "usr/lib/systemd/system/virtqemud.socket", "");
  expect_start (fixture, "systemctl start virtqemud.socket");
  put (fixture, "usr/lib/systemd/system/libvirtd.socket", "");
  expect_start (fixture, "systemctl start libvirtd");
  put (fixture, "etc/systemd/system/sockets.target.wants/virtqemud.socket", "");
  expect_start (fixture, "systemctl start virtqemud.socket");
}

static void
expect_install (Fixture *fixture, const char *program, const char *command)
{
  g_autofree char *path = g_build_filename (fixture->root, program, NULL);

  put (fixture, program, "");
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  g_autofree char *install = vb_host_tools_dup_install ("qemu-utils", "qemu-img", "qemu-tools");
  g_assert_cmpstr (install, ==, command);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
test_package_managers (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *before = g_strdup (g_getenv ("PATH"));

  g_setenv ("PATH", fixture->root, TRUE);
  expect_install (fixture, "dnf", "dnf install qemu-img");
  expect_install (fixture, "zypper", "zypper install qemu-tools");
  expect_install (fixture, "apt-get", "apt install qemu-utils");
  g_setenv ("PATH", before, TRUE);
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/doctor/apparmor-modern", test_apparmor_modern);
  ADD ("/doctor/apparmor-old", test_apparmor_old);
  ADD ("/doctor/apparmor-other-folder", test_apparmor_other_folder);
  ADD ("/doctor/selinux-remedy", test_selinux_remedy);
  ADD ("/doctor/selinux-label", test_selinux_label);
  ADD ("/doctor/daemons", test_daemons);
  ADD ("/doctor/package-managers", test_package_managers);
  return g_test_run ();
}
