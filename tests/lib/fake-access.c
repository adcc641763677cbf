/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-access.h"

#include "fake-script.h"

#define KEY "vb-fake-access"

typedef struct
{
  GPtrArray *revocations; /* VbRevocation */
  GPtrArray *entries;     /* VbAuditEntry, oldest first */
} Access;

static GMutex mutex; /* protects what all of them keep */

static void
revocation_free (gpointer revocation)
{
  vb_revocation_free (revocation);
}

static void
entry_free (gpointer entry)
{
  vb_audit_entry_free (entry);
}

static void
access_free (gpointer data)
{
  Access *access = data;

  g_ptr_array_unref (access->revocations);
  g_ptr_array_unref (access->entries);
  g_free (access);
}

static Access *
ensure_access (gpointer fake)
{
  Access *access = g_object_get_data (fake, KEY);

  if (access == NULL)
    {
      access = g_new0 (Access, 1);
      access->revocations = g_ptr_array_new_with_free_func (revocation_free);
      access->entries = g_ptr_array_new_with_free_func (entry_free);
      g_object_set_data_full (fake, KEY, access, access_free);
    }

  return access;
}

static gboolean
fake_save_revocation (VbAccessJournal *journal, const VbRevocation *revocation, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;

  if (!vb_fake_script_enter (journal, "save_revocation", NULL, error))
    return FALSE;

  locker = g_mutex_locker_new (&mutex);
  g_ptr_array_add (
      ensure_access (journal)->revocations,
      vb_revocation_new (revocation->is_token, revocation->name, revocation->revoked_at_s));
  return TRUE;
}

static GPtrArray *
fake_load_revocations (VbAccessJournal *journal, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *known;
  GPtrArray *copies;

  if (!vb_fake_script_enter (journal, "load_revocations", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&mutex);
  known = ensure_access (journal)->revocations;
  copies = g_ptr_array_new_with_free_func (revocation_free);
  for (guint i = 0; i < known->len; i++)
    {
      const VbRevocation *one = g_ptr_array_index (known, i);

      g_ptr_array_add (copies, vb_revocation_new (one->is_token, one->name, one->revoked_at_s));
    }

  return copies;
}

static gboolean
fake_add_audit (VbAccessJournal *journal, GPtrArray *entries, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *known;

  if (!vb_fake_script_enter (journal, "add_audit", NULL, error))
    return FALSE;

  locker = g_mutex_locker_new (&mutex);
  known = ensure_access (journal)->entries;
  for (guint i = 0; i < entries->len; i++)
    {
      VbAuditEntry *entry = g_ptr_array_index (entries, i);

      entry->id = known->len + 1;
      g_ptr_array_add (known, vb_audit_entry_copy (entry));
    }

  return TRUE;
}

static gboolean
is_done (const VbAuditEntry *entry)
{
  return g_str_equal (entry->outcome, VB_AUDIT_OK) && entry->vps != NULL
         && !g_str_equal (entry->vps, "*");
}

static GPtrArray *
fake_list_audit (VbAccessJournal *journal,
                 const char *vps,
                 gboolean done_only,
                 gint64 before,
                 guint limit,
                 GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *known;
  GPtrArray *found;

  if (!vb_fake_script_enter (journal, "list_audit", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&mutex);
  known = ensure_access (journal)->entries;
  found = g_ptr_array_new_with_free_func (entry_free);
  for (guint i = known->len; i > 0 && found->len < limit; i--)
    {
      const VbAuditEntry *entry = g_ptr_array_index (known, i - 1);

      if ((before == 0 || entry->id < before) && (vps == NULL || g_strcmp0 (entry->vps, vps) == 0)
          && (!done_only || is_done (entry)))
        g_ptr_array_add (found, vb_audit_entry_copy (entry));
    }

  return found;
}

void
vb_fake_access_iface_init (VbAccessJournalInterface *iface)
{
  iface->save_revocation = fake_save_revocation;
  iface->load_revocations = fake_load_revocations;
  iface->add_audit = fake_add_audit;
  iface->list_audit = fake_list_audit;
}
