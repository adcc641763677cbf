/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What commands are called on this host: which package manager, which libvirt daemon. */

/**
 * vb_host_tools_dup_install:
 * @debian, @fedora, @suse: (nullable): names of the package; %NULL: the same as for @debian
 *
 * Returns: (transfer full): a command of this host's package manager, by what is in PATH
 */
char *vb_host_tools_dup_install (const char *debian, const char *fedora, const char *suse);

/**
 * vb_host_tools_dup_start_libvirt:
 * @root: (nullable): folder in which the host's files are; %NULL for "/"
 *
 * Returns: (transfer full): the command that starts libvirt for QEMU: as one daemon, or as a daemon
 * for each driver, as the host has it installed and enabled
 */
char *vb_host_tools_dup_start_libvirt (const char *root);

G_END_DECLS
