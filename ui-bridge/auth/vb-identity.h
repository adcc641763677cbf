/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * VbPermissions:
 *
 * What somebody may do, one bit a permission of the protocol. %VB_PERMISSION_ADMIN stands for all
 * of them.
 */
typedef enum
{
  VB_PERMISSION_NONE = 0,
  VB_PERMISSION_BACKUP_READ = 1 << 0,
  VB_PERMISSION_BACKUP_CREATE = 1 << 1,
  VB_PERMISSION_BACKUP_RESTORE = 1 << 2,
  VB_PERMISSION_BACKUP_DELETE = 1 << 3,
  VB_PERMISSION_SLOTS_WRITE = 1 << 4,
  VB_PERMISSION_POWER = 1 << 5,
  VB_PERMISSION_ADMIN = 1 << 6,
  VB_PERMISSION_BACKUP_DOWNLOAD = 1 << 7,
} VbPermissions;

/** vb_permission_from_string: Returns: the bit of that word, %VB_PERMISSION_NONE for an unknown
 * one */
VbPermissions vb_permission_from_string (const char *word);

/** vb_permissions_to_strv: Returns: (transfer full) (array zero-terminated=1): the words of all set
 * bits */
char **vb_permissions_to_strv (VbPermissions permissions);

/**
 * VbIdentity:
 *
 * Who is at the other end, what they may do, and which VPSs exist for them. Constant once made;
 * reference-counted atomically, so it may be shared between threads.
 */
typedef struct _VbIdentity VbIdentity;

/**
 * vb_identity_new:
 * @subject: the user as the panel calls them
 * @permissions: what they may do
 * @vps: (array zero-terminated=1) (nullable): UUIDs that exist for them, %NULL for all
 * @token_id: (nullable): `jti` of the token
 * @issued_at_s: when the token was issued, s since 1970, 0 if that is unknown
 * @expires_at_s: s since 1970, 0 for never
 *
 * Returns: (transfer full): a new identity; an administrator sees every VPS whatever @vps says
 */
VbIdentity *vb_identity_new (const char *subject,
                             VbPermissions permissions,
                             const char *const *vps,
                             const char *token_id,
                             gint64 issued_at_s,
                             gint64 expires_at_s);
VbIdentity *vb_identity_ref (VbIdentity *self);
void vb_identity_unref (VbIdentity *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbIdentity, vb_identity_unref)

const char *vb_identity_get_subject (const VbIdentity *self);
/** vb_identity_get_token_id: Returns: (transfer none) (nullable): `jti` of the token */
const char *vb_identity_get_token_id (const VbIdentity *self);
VbPermissions vb_identity_get_permissions (const VbIdentity *self);
gint64 vb_identity_get_issued_at_s (const VbIdentity *self);
gint64 vb_identity_get_expires_at_s (const VbIdentity *self);
/** vb_identity_set_key: @key_id: what its token was signed with; @key_print: of
 * vb_token_key_print(). Before anybody else has it */
void vb_identity_set_key (VbIdentity *self, const char *key_id, guint64 key_print);
/** vb_identity_get_key: @key_print: (out); Returns: (transfer none) (nullable): id of the key of
 * its token, %NULL for those without one */
const char *vb_identity_get_key (const VbIdentity *self, guint64 *key_print);
gboolean vb_identity_is_admin (const VbIdentity *self);

/** vb_identity_may: @any_of: bits of which one is enough; Returns: whether they have one of them */
gboolean vb_identity_may (const VbIdentity *self, VbPermissions any_of);

/** vb_identity_sees: Returns: whether the VPS with that UUID (in lower case) exists for them */
gboolean vb_identity_sees (const VbIdentity *self, const char *vps);

/** vb_identity_list_vps: Returns: (transfer container) (nullable): sorted UUIDs they see, %NULL for
 * all */
const char **vb_identity_list_vps (const VbIdentity *self);

G_END_DECLS
