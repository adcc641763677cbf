/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define VB_CLAIM_FOLDER ".claims"

/**
 * VbClaimRecord:
 * @id: UUID of this claim, never used again
 * @owner: the service that made it: one state folder since one boot of one host
 * @host: its name, for people
 * @operation: (nullable): what it is for
 * @backup: (nullable): of which backup it may leave a half
 * @timeout_s: the owner counts on being given so long
 * @counter: grows each time that it is renewed
 *
 * What a claim file says.
 */
typedef struct
{
  char *id;
  char *owner;
  char *host;
  char *operation;
  char *backup;
  guint timeout_s;
  guint64 counter;
} VbClaimRecord;

VbClaimRecord *vb_claim_record_new (const char *owner, const char *host, guint timeout_s);
void vb_claim_record_free (VbClaimRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbClaimRecord, vb_claim_record_free)

/** vb_claim_record_to_text: Returns: (transfer full): always of the same length, so that it can be
 * overwritten in place */
char *vb_claim_record_to_text (const VbClaimRecord *self, gsize *length);

/** vb_claim_record_parse: Returns: (transfer full): of text that is no claim, one whose id and
 * owner are empty */
VbClaimRecord *vb_claim_record_parse (const char *text, gsize length);

/*
 * The files in <pool>/.claims, which the file system's own rules make safe among hosts: nothing
 * ever takes the place of a claim.
 *
 *   VPS       the claim on a VPS: a hard link that is made only where there is none (link() fails)
 *   VPS.ID    the claim that came after the claim ID, which had expired: again only one can be made
 *
 * The last of this chain is the one that counts. Its owner renews it in place, and ends it by
 * removing the chain from its
 * beginning on. @folder is the descriptor of .claims. */

/**
 * vb_claim_file_find:
 * @names: (out) (transfer full) (element-type utf8): the files of the chain, first to last
 * @tip: (out) (transfer full) (nullable): what the last one says, %NULL when there is none
 *
 * Returns: %FALSE when it cannot be read
 */
gboolean vb_claim_file_find (int folder,
                             const char *vps,
                             GPtrArray **names,
                             VbClaimRecord **tip,
                             GError **error);

/**
 * vb_claim_file_make:
 * @record: the new claim, written and synced before it is seen
 * @instead: (nullable): the expired one that it comes after, %NULL for none
 * @made: (out): %FALSE when somebody else was quicker
 *
 * Returns: %FALSE when it cannot be written
 */
gboolean vb_claim_file_make (int folder,
                             const char *vps,
                             const VbClaimRecord *record,
                             const VbClaimRecord *instead,
                             gboolean *made,
                             GError **error);

/** vb_claim_file_provide: provides for claims on a pool that is full by then, see
 * vb-claim-spares.h */
void vb_claim_file_provide (int folder);

/**
 * vb_claim_file_renew:
 * @record: as it is to be
 * @ours: (out): whether it is still the last of the chain
 *
 * Returns: %FALSE when that cannot be told
 */
gboolean vb_claim_file_renew (int folder,
                              const char *vps,
                              const VbClaimRecord *record,
                              gboolean *ours,
                              GError **error);

/** vb_claim_file_remove: ends the claim @id if it is the last of the chain */
gboolean vb_claim_file_remove (int folder, const char *vps, const char *id, GError **error);

/**
 * vb_claim_file_list:
 *
 * Removes what a death has left of claims that are no more.
 *
 * Returns: (transfer full) (element-type utf8): set of the VPSs on which there are claims
 */
GHashTable *vb_claim_file_list (int folder);

G_END_DECLS
