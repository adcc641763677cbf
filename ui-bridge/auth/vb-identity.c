/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-identity.h"

#include <string.h>

struct _VbIdentity
{
  char *subject;
  char *token_id;
  VbPermissions permissions;
  GHashTable *vps; /* set of UUIDs, NULL for all */
  gint64 issued_at_s;
  gint64 expires_at_s;
  char *key_id; /* of the key that its token was signed with, NULL: there is none */
  guint64 key_print;
};

static const struct
{
  const char *word;
  VbPermissions bit;
} permission_words[] = {
  { "backup.read", VB_PERMISSION_BACKUP_READ },
  { "backup.create", VB_PERMISSION_BACKUP_CREATE },
  { "backup.restore", VB_PERMISSION_BACKUP_RESTORE },
  { "backup.delete", VB_PERMISSION_BACKUP_DELETE },
  { "backup.download", VB_PERMISSION_BACKUP_DOWNLOAD },
  { "slots.write", VB_PERMISSION_SLOTS_WRITE },
  { "power", VB_PERMISSION_POWER },
  { "admin", VB_PERMISSION_ADMIN },
};

VbPermissions
vb_permission_from_string (const char *word)
{
  for (gsize i = 0; i < G_N_ELEMENTS (permission_words); i++)
    if (strcmp (word, permission_words[i].word) == 0)
      return permission_words[i].bit;

  return VB_PERMISSION_NONE;
}

char **
vb_permissions_to_strv (VbPermissions permissions)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (permission_words); i++)
    if (permissions & permission_words[i].bit)
      g_strv_builder_add (words, permission_words[i].word);

  return g_strv_builder_end (words);
}

VbIdentity *
vb_identity_new (const char *subject,
                 VbPermissions permissions,
                 const char *const *vps,
                 const char *token_id,
                 gint64 issued_at_s,
                 gint64 expires_at_s)
{
  VbIdentity *self = g_atomic_rc_box_new0 (VbIdentity);

  self->subject = g_strdup (subject);
  self->token_id = g_strdup (token_id);
  self->permissions = permissions;
  self->issued_at_s = issued_at_s;
  self->expires_at_s = expires_at_s;
  if (vps == NULL || (permissions & VB_PERMISSION_ADMIN))
    return self;

  self->vps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (; *vps != NULL; vps++)
    g_hash_table_add (self->vps, g_ascii_strdown (*vps, -1));

  return self;
}

static void
identity_clear (gpointer data)
{
  VbIdentity *self = data;

  g_free (self->subject);
  g_free (self->token_id);
  g_free (self->key_id);
  g_clear_pointer (&self->vps, g_hash_table_unref);
}

VbIdentity *
vb_identity_ref (VbIdentity *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
vb_identity_unref (VbIdentity *self)
{
  g_atomic_rc_box_release_full (self, identity_clear);
}

const char *
vb_identity_get_subject (const VbIdentity *self)
{
  return self->subject;
}

const char *
vb_identity_get_token_id (const VbIdentity *self)
{
  return self->token_id;
}

VbPermissions
vb_identity_get_permissions (const VbIdentity *self)
{
  return self->permissions;
}

gint64
vb_identity_get_issued_at_s (const VbIdentity *self)
{
  return self->issued_at_s;
}

gint64
vb_identity_get_expires_at_s (const VbIdentity *self)
{
  return self->expires_at_s;
}

void
vb_identity_set_key (VbIdentity *self, const char *key_id, guint64 key_print)
{
  g_free (self->key_id);
  self->key_id = g_strdup (key_id);
  self->key_print = key_print;
}

const char *
vb_identity_get_key (const VbIdentity *self, guint64 *key_print)
{
  *key_print = self->key_print;
  return self->key_id;
}

gboolean
vb_identity_is_admin (const VbIdentity *self)
{
  return (self->permissions & VB_PERMISSION_ADMIN) != 0;
}

gboolean
vb_identity_may (const VbIdentity *self, VbPermissions any_of)
{
  return (self->permissions & (any_of | VB_PERMISSION_ADMIN)) != 0;
}

gboolean
vb_identity_sees (const VbIdentity *self, const char *vps)
{
  return self->vps == NULL || g_hash_table_contains (self->vps, vps);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

const char **
vb_identity_list_vps (const VbIdentity *self)
{
  guint n;
  gpointer *list;

  if (self->vps == NULL)
    return NULL;

  list = g_hash_table_get_keys_as_array (self->vps, &n);
  qsort (list, n, sizeof *list, compare_strings);
  return (const char **) list;
}
