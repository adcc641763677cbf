/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-finding.h"

G_BEGIN_DECLS

/**
 * VbDoctor:
 * @uri: hypervisor
 * @pool: folder of the pool
 * @reserve: free space on it that is never used up
 * @state_folder: of the service
 * @runtime_folder: where the sockets of captures are
 * @hooks_folder: where libvirt keeps its hooks, "/etc/libvirt/hooks"
 * @locks_file: what tells the hook where the locks are, "/etc/vps-backup/locks-dir"
 * @pool_hangs: the service, which tries it all the time, gets no answer from the pool
 * @root: (nullable): the folder in which the host's /etc, /usr and /sys are; %NULL for "/"
 * @findings: (element-type VbFinding): what was found so far
 *
 * Looks at a host and says what keeps backups from working, or makes them cost more than they need
 * to, with the command that mends it. Changes nothing but what a try of the pool leaves no trace
 * of. Blocks.
 */
typedef struct
{
  const char *uri;
  const char *pool;
  const char *reserve;
  const char *state_folder;
  const char *runtime_folder;
  const char *hooks_folder;
  const char *locks_file;
  gboolean pool_hangs;
  const char *root;
  GPtrArray *findings;
} VbDoctor;

/** vb_doctor_examine: all of it, in this order */
void vb_doctor_examine (VbDoctor *self);

/* Its parts, by the file that has them. */

/** vb_doctor_check_host: libvirt, QEMU, its programs, what confines it, and every VPS */
void vb_doctor_check_host (VbDoctor *self);

/** vb_doctor_check_apparmor: only where AppArmor confines QEMU */
void vb_doctor_check_apparmor (VbDoctor *self);

/** vb_doctor_check_selinux: only where SELinux confines QEMU */
void vb_doctor_check_selinux (VbDoctor *self);

/** vb_doctor_check_pool: is it there, is there room */
void vb_doctor_check_pool (VbDoctor *self);

/** vb_doctor_check_state: the state folder and its disk */
void vb_doctor_check_state (VbDoctor *self);

/** vb_doctor_check_hook: the libvirt hook */
void vb_doctor_check_hook (VbDoctor *self);

/** VbDoctorCheck: one of these; @self is its own, @data as given */
typedef void (*VbDoctorCheck) (VbDoctor *self, gpointer data);

/**
 * vb_doctor_limit:
 * @limit_s: how long @check may take
 * @data: (transfer full): for @check
 * @data_free: (nullable): for @data
 *
 * What is looked at may hang with its disk or its process. The findings of a @check that takes too
 * long are lost. A @check only reads: a thread that writes to a frozen disk cannot be killed, and
 * would keep the process from its end.
 *
 * Returns: whether it has ended in time
 */
gboolean vb_doctor_limit (VbDoctor *self,
                          guint limit_s,
                          VbDoctorCheck check,
                          gpointer data,
                          GDestroyNotify data_free);

G_END_DECLS
