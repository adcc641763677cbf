/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_forget:
 * @uri: of libvirt
 * @vps: name or UUID
 * @error: (out) (optional): of #VB_ERROR; %VB_ERROR_NOT_FOUND, %VB_ERROR_DISK_BUSY while a backup
 * is made of it
 *
 * Removes our checkpoints from libvirt and our bitmaps from the disks of a VPS, so that it can be
 * undefined, and that internal snapshots work. Its backups stay, and the next one reads everything.
 * Blocks.
 */
gboolean vb_forget (const char *uri, const char *vps, GError **error);

G_END_DECLS
