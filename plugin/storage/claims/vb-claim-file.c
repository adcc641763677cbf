/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-claim-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "vb-claim-spares.h"

#define GROUP "claim"
#define TEXT_BYTES 1024
/* Each link of a chain is a host that died; the one that ends the chain removes it. */
#define MAX_LINKS 1000

#define NEW_PREFIX ".new."
#define OLD_S 3600
#define UUID_LENGTH 36

/* --- what it says --- */

VbClaimRecord *
vb_claim_record_new (const char *owner, const char *host, guint timeout_s)
{
  VbClaimRecord *self = g_new0 (VbClaimRecord, 1);
  self->id = g_uuid_string_random ();
  self->owner = g_strdup (owner);
  self->host = g_strdup (host);
  self->timeout_s = timeout_s;
  return self;
}

void
vb_claim_record_free (VbClaimRecord *self)
{
  g_free (self->id);
  g_free (self->owner);
  g_free (self->host);
  g_free (self->operation);
  g_free (self->backup);
  g_free (self);
}

char *
vb_claim_record_to_text (const VbClaimRecord *self, gsize *length)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_key_file_set_string (file, GROUP, "id", self->id);
  g_key_file_set_string (file, GROUP, "owner", self->owner);
  g_key_file_set_string (file, GROUP, "host", self->host);
  g_key_file_set_string (file, GROUP, "operation", self->operation ? self->operation : "");
  g_key_file_set_string (file, GROUP, "backup", self->backup ? self->backup : "");
  g_key_file_set_uint64 (file, GROUP, "timeout", self->timeout_s);
  g_key_file_set_uint64 (file, GROUP, "counter", self->counter);
  g_autofree char *text = g_key_file_to_data (file, NULL, NULL);

  char *padded = g_malloc (TEXT_BYTES + 1);
  memset (padded, '\n', TEXT_BYTES);
  memcpy (padded, text, MIN (strlen (text), TEXT_BYTES));
  padded[TEXT_BYTES] = '\0';
  *length = TEXT_BYTES;
  return padded;
}

static char *
get_text (GKeyFile *file, const char *key)
{
  char *text = g_key_file_get_string (file, GROUP, key, NULL);
  return text ? text : g_strdup ("");
}

/* Names of files are made from it. */
static char *
get_id (GKeyFile *file, const char *key)
{
  g_autofree char *text = get_text (file, key);
  return g_uuid_string_is_valid (text) ? g_steal_pointer (&text) : NULL;
}

VbClaimRecord *
vb_claim_record_parse (const char *text, gsize length)
{
  VbClaimRecord *self = g_new0 (VbClaimRecord, 1);
  g_autoptr (GKeyFile) file = g_key_file_new ();

  (void) g_key_file_load_from_data (file, text, length, G_KEY_FILE_NONE, NULL);
  self->id = get_id (file, "id");
  if (self->id == NULL)
    self->id = g_strdup ("");
  self->owner = get_text (file, "owner");
  self->host = get_text (file, "host");
  self->operation = get_text (file, "operation");
  self->backup = get_id (file, "backup");
  self->timeout_s = (guint) MIN (g_key_file_get_uint64 (file, GROUP, "timeout", NULL), 24 * 3600);
  self->counter = g_key_file_get_uint64 (file, GROUP, "counter", NULL);
  return self;
}

/* --- the chain --- */

/* Opening it is what makes network file systems ask the server how it is now. Returns: FALSE with
 * errno */
static gboolean
read_record (int folder, const char *name, VbClaimRecord **record)
{
  char text[TEXT_BYTES];

  vb_autofd int fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  gssize length = fd >= 0 ? pread (fd, text, sizeof text, 0) : -1;
  if (length < 0)
    return FALSE;
  *record = vb_claim_record_parse (text, (gsize) length);
  return TRUE;
}

static char *
name_after (const char *vps, const VbClaimRecord *record)
{
  return record ? g_strdup_printf ("%s.%s", vps, record->id) : g_strdup (vps);
}

gboolean
vb_claim_file_find (int folder,
                    const char *vps,
                    GPtrArray **names,
                    VbClaimRecord **tip,
                    GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (VbClaimRecord) last = NULL;

  for (guint i = 0; i < MAX_LINKS; i++)
    {
      VbClaimRecord *record = NULL;
      g_autofree char *name = name_after (vps, last);
      if (read_record (folder, name, &record))
        {
          g_clear_pointer (&last, vb_claim_record_free);
          last = record;
          g_ptr_array_add (found, g_steal_pointer (&name));
          continue;
        }
      if (errno != ENOENT)
        {
          vb_error_set_errno (error, errno, "Failed to read the claim %s", name);
          return FALSE;
        }
      *names = g_steal_pointer (&found);
      *tip = g_steal_pointer (&last);
      return TRUE;
    }
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "The claims on %s have no end", vps);
  return FALSE;
}

/* Whether @id is the last of the chain. */
static gboolean
is_tip (int folder,
        const char *vps,
        const char *id,
        GPtrArray **names,
        gboolean *is,
        GError **error)
{
  g_autoptr (VbClaimRecord) tip = NULL;
  g_autoptr (GPtrArray) found = NULL;

  if (!vb_claim_file_find (folder, vps, &found, &tip, error))
    return FALSE;
  *is = tip != NULL && g_str_equal (tip->id, id);
  if (names)
    *names = g_steal_pointer (&found);
  return TRUE;
}

/* Where there are no hard links, others may see it before it is written: somebody's, and that is
 * true. Returns: -1 with errno */
static int
put_in_place (int folder, const char *temporary, const char *name, const char *text, gsize length)
{
  if (linkat (folder, temporary, folder, name, 0) == 0)
    return 0;
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
    return -1;
  vb_autofd int fd
      = openat (folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  return fd >= 0 && vb_files_pwrite (fd, text, length, 0) && fsync (fd) == 0 ? 0 : -1;
}

static gboolean
write_temporary (int folder, const char *name, const char *text, gsize length, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (vb_files_write (folder, name, text, length, &local))
    return TRUE;
  unlinkat (folder, name, 0);
  if (g_error_matches (local, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE)
      && vb_claim_spares_use (folder, name, text, length))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

void
vb_claim_file_provide (int folder)
{
  vb_claim_spares_fill (folder, TEXT_BYTES);
}

gboolean
vb_claim_file_make (int folder,
                    const char *vps,
                    const VbClaimRecord *record,
                    const VbClaimRecord *instead,
                    gboolean *made,
                    GError **error)
{
  gsize length;
  g_autofree char *text = vb_claim_record_to_text (record, &length);
  g_autofree char *name = name_after (vps, instead);
  g_autofree char *temporary = g_strdup_printf (NEW_PREFIX "%s", record->id);

  *made = FALSE;
  if (!write_temporary (folder, temporary, text, length, error))
    return FALSE;
  int status = put_in_place (folder, temporary, name, text, length);
  int saved = errno;
  unlinkat (folder, temporary, 0);
  if (status != 0 && saved != EEXIST)
    {
      vb_error_set_errno (error, saved, "Failed to create the claim %s", name);
      return FALSE;
    }
  /* An answer may get lost on the way from a server, so what there is now decides. And the chain
   * that we came after may have been removed meanwhile: then ours is part of none. */
  if (!vb_files_sync (folder, "the folder of claims", error)
      || !is_tip (folder, vps, record->id, NULL, made, error))
    return FALSE;
  return *made || status != 0 || vb_files_remove (folder, name, error);
}

/* What is under its name may have been put there after ours was gone. */
static gboolean
is_own_file (int fd, const char *id)
{
  char text[TEXT_BYTES];
  gssize length = pread (fd, text, sizeof text, 0);
  g_autoptr (VbClaimRecord) record = vb_claim_record_parse (text, (gsize) MAX (length, 0));
  return g_str_equal (record->id, id);
}

gboolean
vb_claim_file_renew (int folder,
                     const char *vps,
                     const VbClaimRecord *record,
                     gboolean *ours,
                     GError **error)
{
  gsize length;
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *text = vb_claim_record_to_text (record, &length);

  if (!is_tip (folder, vps, record->id, &names, ours, error))
    return FALSE;
  if (!*ours)
    return TRUE;
  const char *name = g_ptr_array_index (names, names->len - 1);
  vb_autofd int fd = vb_files_open (folder, name, O_RDWR, error);
  if (fd < 0)
    return FALSE;
  *ours = is_own_file (fd, record->id);
  if (!*ours)
    return TRUE;
  if (!vb_files_pwrite (fd, text, length, 0))
    {
      vb_error_set_errno (error, errno, "Failed to renew the claim %s", name);
      return FALSE;
    }
  return vb_files_sync (fd, name, error) && is_tip (folder, vps, record->id, NULL, ours, error);
}

gboolean
vb_claim_file_remove (int folder, const char *vps, const char *id, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;
  gboolean ours;

  if (!is_tip (folder, vps, id, &names, &ours, error))
    return FALSE;
  for (guint i = 0; ours && i < names->len; i++)
    if (!vb_files_remove (folder, g_ptr_array_index (names, i), error))
      return FALSE;
  return !ours || vb_files_sync (folder, "the folder of claims", error);
}

/* --- all of them --- */

/* Returns: (transfer full) (nullable): the VPS that the file @name is about */
static char *
vps_of (const char *name)
{
  g_autofree char *vps = g_strndup (name, UUID_LENGTH);
  gboolean is_claim
      = g_uuid_string_is_valid (vps) && (name[UUID_LENGTH] == '\0' || name[UUID_LENGTH] == '.');
  return is_claim ? g_steal_pointer (&vps) : NULL;
}

/* Both times are the file system's; no clock of ours is asked. */
static gboolean
is_old (int folder, const char *name)
{
  struct stat info, parent;
  return fstatat (folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && fstat (folder, &parent) == 0
         && parent.st_mtime - info.st_mtime > OLD_S;
}

/* A link whose chain was removed before it never becomes part of one again, for no claim is made
 * twice. */
static gboolean
is_litter (int folder, const char *name, const char *vps)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (VbClaimRecord) tip = NULL;
  return vb_claim_file_find (folder, vps, &names, &tip, NULL)
         && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL);
}

static gboolean
list_name (int folder, const char *name, gpointer user_data, GError **error)
{
  GHashTable *all = user_data;
  g_autofree char *vps = vps_of (name);

  if (vps != NULL && g_str_equal (vps, name))
    g_hash_table_add (all, g_steal_pointer (&vps));
  else if (vps != NULL ? is_litter (folder, name, vps)
                       : g_str_has_prefix (name, NEW_PREFIX) && is_old (folder, name))
    (void) unlinkat (folder, name, 0);
  return TRUE;
}

GHashTable *
vb_claim_file_list (int folder)
{
  GHashTable *all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  (void) vb_files_for_each (folder, list_name, all, NULL);
  return all;
}
