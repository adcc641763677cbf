/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_domain_move:
 * @xml: a domain's saved XML
 * @disks: (element-type VbDisk): where its disks are now: image files
 * @nvram: (nullable): where its UEFI variables are now; %NULL leaves them where they were
 * @notes: (nullable) (element-type utf8): gets translated sentences about what was left out, or is
 * not on this host
 * @error: (out) (optional): %VB_ERROR_DISK_MISSING when @disks has one that @xml lacks,
 * %VB_ERROR_INTERNAL
 *
 * The definition of a VPS whose disks have come to another place: whatever held a disk before, it
 * is an image file now. Inserted CD-ROMs and floppies that are not on this host are taken out.
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): the new definition
 */
char *vb_domain_move (const char *xml,
                      GPtrArray *disks,
                      const char *nvram,
                      GPtrArray *notes,
                      GError **error);

/** vb_domain_move_get_name: Returns: (transfer full) (nullable): name of the domain in @xml */
char *vb_domain_move_get_name (const char *xml);

/**
 * vb_domain_move_rename:
 * @xml: a domain's XML
 * @name: its new name
 * @uuid: its new UUID
 * @error: (out) (optional): %VB_ERROR_INTERNAL
 *
 * Makes the definition that of another VPS, which can be on one host, and in one network, with the
 * first: its MAC addresses are given anew by libvirt, and nothing of ours is noted in it. Any
 * thread.
 *
 * Returns: (transfer full) (nullable): the new definition
 */
char *vb_domain_move_rename (const char *xml, const char *name, const char *uuid, GError **error);

G_END_DECLS
