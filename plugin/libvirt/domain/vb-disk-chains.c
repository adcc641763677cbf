/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-chains.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

/* An image on a disk that sleeps is there within a few seconds. */
#define LOOK_US (10 * G_USEC_PER_SEC)

/* QEMU builds the scratch file of a backup on the disk, and takes no longer name for what is
 * below. */
#define MAX_PATH_BYTES 1023

typedef struct
{
  char *path;
  char *target;
  GPtrArray *named; /* (element-type VbImageLayer) */
  gboolean ended;
  VbImageChain *chain;
  GError *trouble;
} Entry;

/* What the thread works on, and may outlive its caller with. */
typedef struct
{
  GPtrArray *entries; /* the caller's again once done */

  GMutex lock;
  GCond cond;
  /* Under the lock. */
  gboolean done;
  gboolean abandoned;
} Look;

/* Paths of images that a thread of ours hangs on. */
static GMutex hanging_lock;
static GHashTable *hanging;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->path);
  g_free (entry->target);
  g_ptr_array_unref (entry->named);
  g_clear_pointer (&entry->chain, vb_image_chain_unref);
  g_clear_error (&entry->trouble);
  g_free (entry);
}

static void
look_clear (gpointer data)
{
  Look *look = data;

  g_ptr_array_unref (look->entries);
  g_mutex_clear (&look->lock);
  g_cond_clear (&look->cond);
}

static void
look_unref (Look *look)
{
  g_atomic_rc_box_release_full (look, look_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Look, look_unref)

/* Those that were abandoned before may be marked twice: the last one to come back clears them. */
static void
mark_hanging (Look *look, gboolean is_hanging)
{
  g_mutex_lock (&hanging_lock);
  if (hanging == NULL)
    hanging = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < look->entries->len; i++)
    {
      const Entry *entry = g_ptr_array_index (look->entries, i);

      if (is_hanging)
        g_hash_table_add (hanging, g_strdup (entry->path));
      else
        g_hash_table_remove (hanging, entry->path);
    }
  g_mutex_unlock (&hanging_lock);
}

static gboolean
is_hanging (Look *look)
{
  gboolean found = FALSE;

  g_mutex_lock (&hanging_lock);
  for (guint i = 0; i < look->entries->len && hanging != NULL; i++)
    found = found
            || g_hash_table_contains (hanging,
                                      ((Entry *) g_ptr_array_index (look->entries, i))->path);
  g_mutex_unlock (&hanging_lock);
  return found;
}

static gpointer
look_thread (gpointer data)
{
  g_autoptr (Look) look = data;
  gboolean abandoned;

  for (guint i = 0; i < look->entries->len; i++)
    {
      Entry *entry = g_ptr_array_index (look->entries, i);

      entry->chain = vb_image_chain_look (entry->named, entry->ended, &entry->trouble);
    }
  g_mutex_lock (&look->lock);
  look->done = TRUE;
  abandoned = look->abandoned;
  g_cond_signal (&look->cond);
  g_mutex_unlock (&look->lock);
  if (abandoned)
    mark_hanging (look, FALSE);
  return NULL;
}

static gboolean
refuse (GError **error)
{
  vb_error_set_public (error, VB_ERROR_DISK_UNAVAILABLE);
  return FALSE;
}

static gboolean
run (Look *look, gint64 limit_us, GError **error)
{
  gint64 until = g_get_monotonic_time () + limit_us;
  g_autoptr (GError) local = NULL;
  GThread *thread;
  gboolean done;

  if (is_hanging (look))
    return refuse (error);
  thread = g_thread_try_new ("vb-images", look_thread, g_atomic_rc_box_acquire (look), &local);
  if (thread == NULL)
    {
      look_unref (look);
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to look at the disks: %s",
                   local->message);
      return FALSE;
    }
  g_thread_unref (thread);
  g_mutex_lock (&look->lock);
  while (!look->done && g_cond_wait_until (&look->cond, &look->lock, until))
    ;
  done = look->done;
  look->abandoned = !done;
  if (!done)
    mark_hanging (look, TRUE);
  g_mutex_unlock (&look->lock);
  return done || refuse (error);
}

static void
add_entry (Look *look, const VbDomainDisk *disk, gboolean named_only)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->path = g_strdup (disk->path);
  entry->target = g_strdup (disk->target);
  entry->ended = disk->is_ended || named_only;
  entry->named = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_image_layer_free);
  g_ptr_array_add (entry->named, vb_image_layer_new (disk->path, disk->format));
  for (guint i = 0; i < disk->lower->len; i++)
    {
      const VbImageLayer *layer = g_ptr_array_index (disk->lower, i);

      g_ptr_array_add (entry->named, vb_image_layer_new (layer->path, layer->format));
    }
  g_ptr_array_add (look->entries, entry);
}

static void
take (VbDomainXml *xml, Entry *entry)
{
  VbDomainDisk *disk = vb_domain_xml_find_disk (xml, entry->target);

  disk->chain = g_steal_pointer (&entry->chain);
  disk->trouble = g_steal_pointer (&entry->trouble);
  if (disk->trouble != NULL)
    {
      g_prefix_error (&disk->trouble, "%s: ", disk->target);
      return;
    }
  g_free (disk->path);
  disk->path = g_strdup (vb_image_chain_get_layer (disk->chain, 0)->path);
  disk->is_block = vb_image_chain_get_layer (disk->chain, 0)->is_block;
  if (disk->is_block && g_strcmp0 (disk->format, "raw") != 0)
    g_set_error (&disk->trouble, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                 _ ("The disk %s is an image inside a block device, which could not be restored, "
                    "and cannot be backed up."),
                 disk->target);
}

/* Returns: whether the images of @disk can be looked at; else it has its trouble */
static gboolean
check_name (VbDomainDisk *disk, gboolean named_only)
{
  if (disk->skipped != NULL || disk->path == NULL || disk->trouble != NULL)
    return FALSE;
  if (disk->is_remote && !named_only)
    g_set_error (&disk->trouble, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                 _ ("The disk %s rests on an image on the network; a backup is possible while "
                    "the VPS is on."),
                 disk->target);
  else if (strlen (disk->path) > MAX_PATH_BYTES)
    g_set_error (&disk->trouble, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                 _ ("The path of the disk %s is longer than %d bytes, which a backup cannot build "
                    "on; move the image to a shorter one."),
                 disk->target, MAX_PATH_BYTES);
  return disk->trouble == NULL;
}

gboolean
vb_disk_chains_look (VbDomainXml *xml, gboolean named_only, GError **error)
{
  return vb_disk_chains_look_within (xml, named_only, LOOK_US, error);
}

gboolean
vb_disk_chains_look_within (VbDomainXml *xml, gboolean named_only, gint64 limit_us, GError **error)
{
  g_autoptr (Look) look = g_atomic_rc_box_new0 (Look);

  look->entries = g_ptr_array_new_with_free_func (entry_free);
  g_mutex_init (&look->lock);
  g_cond_init (&look->cond);
  for (guint i = 0; i < xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (check_name (disk, named_only))
        add_entry (look, disk, named_only);
    }
  if (look->entries->len > 0 && !run (look, limit_us, error))
    return FALSE;
  for (guint i = 0; i < look->entries->len; i++)
    take (xml, g_ptr_array_index (look->entries, i));
  return TRUE;
}
