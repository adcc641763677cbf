/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbChild:
 *
 * A helper program of ours: started without a shell, with an environment, descriptors and signals
 * of its own, and killed by the kernel when the thread that started it ends, so that it cannot
 * outlive us.
 */
typedef struct _VbChild VbChild;

/** VB_CHILD_FIRST_IMAGE_FD: number that the first of its images has in the child */
#define VB_CHILD_FIRST_IMAGE_FD 4

/**
 * vb_child_start:
 * @argv: (array zero-terminated=1): program, looked for in PATH, and its arguments
 * @listen_fd: a listening socket to hand over as systemd does (LISTEN_FDS), or -1
 * @images: (array length=n_images) (nullable): descriptors that the child gets, with numbers from
 * %VB_CHILD_FIRST_IMAGE_FD on; those given stay the caller's
 *
 * For the thread that is to outlive the child.
 *
 * Returns: (transfer full) (nullable): the running child
 */
VbChild *vb_child_start (const char *const *argv,
                         int listen_fd,
                         const int *images,
                         guint n_images,
                         GError **error);

/** vb_child_dup_complaint: Returns: (transfer full): what it has written to stderr until now; any
 * thread */
char *vb_child_dup_complaint (VbChild *self);

/**
 * vb_child_wait:
 * @timeout_ms: longest wait
 *
 * Waits for its end. Returns: %FALSE with what it complained about, when it failed or does not end
 */
gboolean vb_child_wait (VbChild *self, int timeout_ms, GError **error);

/**
 * vb_child_run:
 * @argv: (array zero-terminated=1): program and its arguments
 * @images: (array length=n_images) (nullable): as for vb_child_start()
 *
 * Runs a program to its end, which has to be a success.
 *
 * Returns: (transfer full) (nullable): what it has written to stdout
 */
char *vb_child_run (const char *const *argv, const int *images, guint n_images, GError **error);

/** vb_child_free: kills it, waits for its end and forgets it */
void vb_child_free (VbChild *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbChild, vb_child_free)

G_END_DECLS
