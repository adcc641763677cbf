/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "vb-domain-xml.h"

G_BEGIN_DECLS

/* The permanent definition of a VPS, and what in it depends on the images of its disks. What a swap
 * takes out is noted in the metadata of the same definition, so that one step of libvirt's changes
 * both, and an undo finds it after a crash. No call of libvirt here; any thread. */

/**
 * vb_definition_take_out:
 * @xml: a permanent definition
 * @targets: (array zero-terminated=1): disks whose new images rest on no other image
 * @snapshots: (element-type utf8): descriptions of the snapshots whose records go
 * @changed: (out) (transfer full) (nullable): the new definition, without the chains of @targets
 * and with a note of what was taken out; %NULL when there is nothing to be changed
 * @error: (out) (optional): %VB_ERROR_INTERNAL
 *
 * An empty <backingStore/> stays: it says that there is nothing below. A note of an earlier swap
 * goes.
 */
gboolean vb_definition_take_out (const char *xml,
                                 const char *const *targets,
                                 GPtrArray *snapshots,
                                 char **changed,
                                 GError **error);

/**
 * vb_definition_put_back:
 * @xml: a permanent definition
 * @changed: (out) (transfer full) (nullable): the definition as it was before
 * vb_definition_take_out(); %NULL when it holds no note
 * @snapshots: (out) (transfer full) (element-type utf8): what the note holds of them
 */
gboolean
vb_definition_put_back (const char *xml, char **changed, GPtrArray **snapshots, GError **error);

/**
 * vb_definition_settle:
 * @xml: a permanent definition
 * @changed: (out) (transfer full) (nullable): the definition without the note; %NULL when there is
 * none
 */
gboolean vb_definition_settle (const char *xml, char **changed, GError **error);

/**
 * vb_definition_compare:
 * @live: what the VPS runs with, links followed
 * @permanent: what it will start with the next time, links followed
 * @error: (out) (optional): %VB_ERROR_DEFINITION_DIFFERS with a sentence that names the disk
 *
 * Returns: whether each disk of @live is in @permanent, on the same image
 */
gboolean vb_definition_compare (VbDomainXml *live, VbDomainXml *permanent, GError **error);

G_END_DECLS
