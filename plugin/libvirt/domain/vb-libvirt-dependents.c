/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-dependents.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"
#include "vb-disk-chains.h"

#define LIMIT_US (10 * G_USEC_PER_SEC)

typedef struct
{
  char *name;
  VbDomainXml *xml;
  gboolean is_active;
} Other;

/* Shared with a thread that may hang on another VPS's image for ever. */
typedef struct
{
  VbDomainXml *own;
  GPtrArray *others; /* (element-type Other) */

  GMutex lock;
  GCond cond;
  gboolean done;      /* under the lock, with the two below */
  const char *target; /* (nullable): of the disk that another one rests on */
  const char *name;   /* of that VPS */
} Look;

static void
other_free (gpointer data)
{
  Other *other = data;

  g_free (other->name);
  vb_domain_xml_free (other->xml);
  g_free (other);
}

static void
look_clear (gpointer data)
{
  Look *look = data;

  vb_domain_xml_free (look->own);
  g_ptr_array_unref (look->others);
  g_mutex_clear (&look->lock);
  g_cond_clear (&look->cond);
}

static void
look_unref (Look *look)
{
  g_atomic_rc_box_release_full (look, look_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Look, look_unref)

/* --- in the thread --- */

static const char *
find_own (const Look *look, const VbImageLayer *layer)
{
  for (guint i = 0; i < look->own->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (look->own->disks, i);
      const VbImageLayer *top
          = disk->chain != NULL ? vb_image_chain_get_layer (disk->chain, 0) : NULL;

      if (top != NULL
          && (g_str_equal (top->path, layer->path)
              || (!top->is_block && top->device == layer->device && top->inode == layer->inode)))
        return disk->target;
    }
  return NULL;
}

static const char *
find_in_disk (const Look *look, const VbDomainDisk *disk)
{
  const char *found = NULL;

  for (guint i = 1; disk->chain != NULL && i < vb_image_chain_get_length (disk->chain); i++)
    found = found != NULL ? found : find_own (look, vb_image_chain_get_layer (disk->chain, i));
  /* What cannot be opened is known by its name at least. */
  for (guint i = 0; disk->chain == NULL && disk->lower != NULL && i < disk->lower->len; i++)
    found = found != NULL ? found : find_own (look, g_ptr_array_index (disk->lower, i));
  return found;
}

static gpointer
look_thread (gpointer data)
{
  g_autoptr (Look) look = data;
  const char *target = NULL;
  const char *name = NULL;

  for (guint i = 0; target == NULL && i < look->others->len; i++)
    {
      Other *other = g_ptr_array_index (look->others, i);

      vb_disk_chains_look (other->xml, other->is_active, NULL);
      for (guint k = 0; target == NULL && k < other->xml->disks->len; k++)
        target = find_in_disk (look, g_ptr_array_index (other->xml->disks, k));
      name = other->name;
    }
  g_mutex_lock (&look->lock);
  look->done = TRUE;
  look->target = target;
  look->name = name;
  g_cond_signal (&look->cond);
  g_mutex_unlock (&look->lock);
  return NULL;
}

/* --- in the caller's thread --- */

static void
add_other (Look *look, virDomainPtr domain)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_xml (domain, NULL);
  Other *other;
  gboolean is_active = FALSE;

  if (xml == NULL || !vb_libvirt_is_active (domain, &is_active, NULL))
    return;
  other = g_new0 (Other, 1);
  other->name = g_strdup (virDomainGetName (domain));
  other->xml = g_steal_pointer (&xml);
  other->is_active = is_active;
  g_ptr_array_add (look->others, other);
}

static gboolean
add_others (Look *look, virDomainPtr domain, GError **error)
{
  g_autofree char *own = vb_libvirt_get_uuid (domain);
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (virDomainGetConnect (domain), &domains, 0);

  if (n < 0)
    vb_libvirt_set_error (error, "Failed to list the VPSs");
  for (int i = 0; i < n; i++)
    {
      g_autofree char *uuid = vb_libvirt_get_uuid (domains[i]);

      if (!g_str_equal (uuid, own))
        add_other (look, domains[i]);
      virDomainFree (domains[i]);
    }
  free (domains);
  return n >= 0;
}

static gboolean
wait_done (Look *look)
{
  gint64 end_us = g_get_monotonic_time () + LIMIT_US;
  gboolean done;

  g_mutex_lock (&look->lock);
  while (!look->done && g_cond_wait_until (&look->cond, &look->lock, end_us))
    ;
  done = look->done;
  g_mutex_unlock (&look->lock);
  return done;
}

static gboolean
run (Look *look, const char *vps, GError **error)
{
  g_autoptr (GError) local = NULL;
  GThread *thread
      = g_thread_try_new ("vb-dependents", look_thread, g_atomic_rc_box_acquire (look), &local);

  if (thread == NULL)
    {
      look_unref (look);
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%s", local->message);
      return FALSE;
    }
  g_thread_unref (thread);
  if (!wait_done (look))
    vb_log_warning (vps, NULL, NULL,
                    "An image of another VPS does not answer: it is not known whether one rests on "
                    "a disk of this VPS");
  else if (look->target != NULL)
    {
      vb_log_warning (vps, NULL, NULL,
                      "The disk %s is not restored: a disk of the VPS “%s” rests on its image",
                      look->target, look->name);
      g_set_error (error, VB_ERROR, VB_ERROR_DISK_BUSY,
                   _ ("Another VPS rests on the disk %s, and would be damaged by a restore."),
                   look->target);
      return FALSE;
    }
  return TRUE;
}

gboolean
vb_libvirt_dependents_check (virDomainPtr domain, GError **error)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);
  g_autoptr (VbDomainXml) own = vb_libvirt_read_disks (domain, error);
  g_autoptr (Look) look = NULL;

  if (own == NULL)
    return FALSE;
  look = g_atomic_rc_box_new0 (Look);
  g_mutex_init (&look->lock);
  g_cond_init (&look->cond);
  look->own = g_steal_pointer (&own);
  look->others = g_ptr_array_new_with_free_func (other_free);
  return add_others (look, domain, error) && run (look, vps, error);
}
