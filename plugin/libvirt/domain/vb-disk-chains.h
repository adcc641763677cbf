/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/**
 * vb_disk_chains_look:
 * @xml: a definition; gets chain or trouble of each disk that is backed up, and its path without
 * links
 * @named_only: whether headers are not asked for what is below the named images, as a QEMU that has
 * the disk open reads it
 * @error: (out) (optional): %VB_ERROR_DISK_UNAVAILABLE when an image does not answer
 *
 * Looks at all images of a VPS in a thread of its own, which is left to itself when a file system
 * hangs: whoever asks for the same image meanwhile is refused at once. Worker threads, which hold a
 * lease for ten seconds at most.
 */
gboolean vb_disk_chains_look (VbDomainXml *xml, gboolean named_only, GError **error);

/** vb_disk_chains_look_within: likewise, and waits @limit_us at most */
gboolean
vb_disk_chains_look_within (VbDomainXml *xml, gboolean named_only, gint64 limit_us, GError **error);

G_END_DECLS
