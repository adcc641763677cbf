/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-inventory.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"
#include "vb-libvirt-disks.h"
#include "vb-libvirt-obstacles.h"

/* Before the whole list is asked for again after a failure. */
#define LIST_PAUSE_US G_USEC_PER_SEC
/* Longer, and the monitor of that VPS hangs; its news will come late. */
#define ANNOUNCE_US (5 * G_USEC_PER_SEC)
/* An image that takes longer keeps nobody waiting for the list: a backup says what is wrong. */
#define IMAGES_US (G_USEC_PER_SEC / 2)
/* Between two looks for what no event tells of; a few small calls for the whole host. */
#define LOOK_US (10 * G_USEC_PER_SEC)

/* What the reading thread shares with the main context. */
typedef struct
{
  VbConnectionPool *gate;
  GWeakRef owner;

  GMutex lock;
  GCond cond;
  /* Under the lock. */
  gboolean stopped;
  gboolean has_thread;
  gboolean list_wanted;
  GHashTable *dirty;   /* set of UUIDs */
  const char *reading; /* the one that was taken out of it last, until it is posted */
  GCond read;

  /* Of the thread alone. */
  gint64 look_at_us;
  GHashTable *snapshots; /* as vb_libvirt_obstacles_look() keeps it */
} Reader;

struct _VbLibvirtInventory
{
  GObject parent_instance;

  Reader *reader;
  gboolean stopped;
  GHashTable *known; /* UUID → VbVpsInfo as last announced */
};

/* An answer on its way to the main context. */
typedef struct
{
  VbLibvirtInventory *owner;
  guint generation;
  char *vps;        /* that one; or NULL for the whole list */
  GPtrArray *infos; /* of that one, empty if it is gone; or of all */
} Answer;

enum
{
  SIGNAL_CHANGED,
  SIGNAL_REMOVED,
  SIGNAL_LISTED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VbLibvirtInventory, vb_libvirt_inventory, G_TYPE_OBJECT)

static void
reader_clear (gpointer data)
{
  Reader *reader = data;

  vb_connection_pool_unref (reader->gate);
  g_weak_ref_clear (&reader->owner);
  g_hash_table_unref (reader->dirty);
  g_hash_table_unref (reader->snapshots);
  g_mutex_clear (&reader->lock);
  g_cond_clear (&reader->cond);
  g_cond_clear (&reader->read);
}

static void
reader_unref (Reader *reader)
{
  g_atomic_rc_box_release_full (reader, reader_clear);
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  g_object_unref (answer->owner);
  g_ptr_array_unref (answer->infos);
  g_free (answer->vps);
  g_free (answer);
}

/* Returns: whether the images have answered */
static gboolean
look_at_images (virDomainPtr domain, VbDomainXml *xml, VbVpsInfo *info)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&info->unsupported, g_free);
  if (vb_libvirt_disks_find_unsupported (domain, xml, IMAGES_US, &info->unsupported, &error))
    return TRUE;
  vb_log_debug (info->uuid, NULL, NULL, "Not known whether it can be backed up: %s",
                error->message);
  return FALSE;
}

/* @images: (inout): whether to look at the images of the disks; %FALSE once one does not answer */
static VbVpsInfo *
read_info (virDomainPtr domain, gboolean *images, GError **error)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_xml (domain, error);
  VbVpsInfo *info;
  VbPower power;

  if (xml == NULL || !vb_libvirt_get_power (domain, &power, error))
    return NULL;
  info = g_new0 (VbVpsInfo, 1);
  info->uuid = vb_libvirt_get_uuid (domain);
  info->name = g_strdup (virDomainGetName (domain));
  info->power = power;
  info->slots_total = xml->slots_total;
  info->unsupported = g_strdup (xml->unsupported);
  if (*images)
    *images = look_at_images (domain, xml, info);
  info->schedules = g_steal_pointer (&xml->schedules);
  info->marks_in_way = vb_libvirt_obstacles_exist (domain);
  if (xml->schedule_error != NULL)
    vb_log_warning (info->uuid, NULL, NULL, "A schedule in the VPS's metadata is not used: %s",
                    xml->schedule_error->message);
  return info;
}

VbVpsInfo *
vb_libvirt_inventory_read (virDomainPtr domain, GError **error)
{
  gboolean images = TRUE;

  return read_info (domain, &images, error);
}

static gboolean
same (const VbVpsInfo *a, const VbVpsInfo *b)
{
  return g_strcmp0 (a->name, b->name) == 0 && a->power == b->power
         && a->slots_total == b->slots_total && g_strcmp0 (a->unsupported, b->unsupported) == 0
         && vb_schedules_equal (a->schedules, b->schedules);
}

static void
announce (VbLibvirtInventory *self, const VbVpsInfo *info, gboolean even_if_same)
{
  const VbVpsInfo *before = g_hash_table_lookup (self->known, info->uuid);
  VbVpsInfo *copy;

  if (before != NULL && same (before, info) && !even_if_same && !info->marks_in_way)
    return;
  copy = vb_vps_info_copy (info);
  g_hash_table_replace (self->known, copy->uuid, copy);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, info);
}

static void
announce_removed (VbLibvirtInventory *self, const char *vps)
{
  g_autofree char *uuid = g_strdup (vps);

  if (g_hash_table_remove (self->known, uuid))
    g_signal_emit (self, signals[SIGNAL_REMOVED], 0, uuid);
}

static void
announce_all (VbLibvirtInventory *self, GPtrArray *infos)
{
  g_autoptr (GHashTable) present = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer uuid;

  for (guint i = 0; i < infos->len; i++)
    g_hash_table_add (present, ((VbVpsInfo *) g_ptr_array_index (infos, i))->uuid);
  g_hash_table_iter_init (&iter, self->known);
  while (g_hash_table_iter_next (&iter, &uuid, NULL))
    if (!g_hash_table_contains (present, uuid))
      g_ptr_array_add (gone, g_strdup (uuid));
  for (guint i = 0; i < gone->len && !self->stopped; i++)
    announce_removed (self, g_ptr_array_index (gone, i));
  for (guint i = 0; i < infos->len && !self->stopped; i++)
    announce (self, g_ptr_array_index (infos, i), TRUE);
  if (!self->stopped)
    g_signal_emit (self, signals[SIGNAL_LISTED], 0);
}

static gboolean
on_answer (gpointer data)
{
  Answer *answer = data;
  VbLibvirtInventory *self = answer->owner;

  if (self->stopped || answer->generation != vb_connection_pool_get_generation (self->reader->gate))
    return G_SOURCE_REMOVE;
  if (answer->vps == NULL)
    announce_all (self, answer->infos);
  else if (answer->infos->len > 0)
    announce (self, g_ptr_array_index (answer->infos, 0), FALSE);
  else
    announce_removed (self, answer->vps);
  return G_SOURCE_REMOVE;
}

/* Idles of the same priority run in the order in which they were added. */
static void
post (Reader *reader, guint generation, const char *vps, GPtrArray *infos)
{
  g_autoptr (VbLibvirtInventory) owner = g_weak_ref_get (&reader->owner);
  Answer *answer;

  if (owner == NULL)
    return;
  answer = g_new0 (Answer, 1);
  answer->owner = g_steal_pointer (&owner);
  answer->generation = generation;
  answer->vps = g_strdup (vps);
  answer->infos = g_ptr_array_ref (infos);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_answer, answer, answer_free);
}

/* A VPS that cannot be read is shown all the same: it must not seem deleted. */
static VbVpsInfo *
unreadable (virDomainPtr domain, const GError *error)
{
  VbVpsInfo *info = g_new0 (VbVpsInfo, 1);

  info->uuid = vb_libvirt_get_uuid (domain);
  info->name = g_strdup (virDomainGetName (domain));
  info->slots_total = -1;
  info->unsupported = g_strdup (_ ("The hypervisor cannot describe the VPS; see the host's log."));
  vb_log_warning (info->uuid, NULL, NULL, "%s", error->message);
  return info;
}

/* Returns FALSE with an error when the connection is lost; no entry is added for a VPS that is
 * gone. */
static gboolean
read_into (GPtrArray *infos, virDomainPtr domain, gboolean *images, GError **error)
{
  g_autoptr (GError) local = NULL;
  VbVpsInfo *info = read_info (domain, images, &local);

  if (g_error_matches (local, VB_ERROR, VB_ERROR_HYPERVISOR_UNAVAILABLE))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (info == NULL && !g_error_matches (local, VB_ERROR, VB_ERROR_NOT_FOUND))
    info = unreadable (domain, local);
  if (info != NULL)
    g_ptr_array_add (infos, info);
  return TRUE;
}

static void
read_all (Reader *reader, VbLibvirtLease *lease)
{
  g_autoptr (GPtrArray) infos = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_vps_info_free);
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (vb_libvirt_lease_get (lease), &domains, 0);
  g_autoptr (GError) error = NULL;
  gboolean images = TRUE;

  if (n < 0)
    vb_libvirt_set_error (&error, "Failed to list the VPSs");
  for (int i = 0; i < n; i++)
    {
      if (error == NULL)
        read_into (infos, domains[i], &images, &error);
      virDomainFree (domains[i]);
    }
  free (domains);
  if (error == NULL)
    {
      post (reader, vb_libvirt_lease_get_generation (lease), NULL, infos);
      return;
    }
  vb_log_warning (NULL, NULL, NULL, "%s", error->message);
  g_usleep (LIST_PAUSE_US);
  g_mutex_lock (&reader->lock);
  reader->list_wanted = TRUE;
  g_mutex_unlock (&reader->lock);
}

static void
read_one (Reader *reader, VbLibvirtLease *lease, const char *vps)
{
  g_autoptr (GPtrArray) infos = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_vps_info_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (virDomain) domain = vb_libvirt_lease_lookup (lease, vps, &error);
  gboolean images = TRUE;

  if (domain == NULL && !g_error_matches (error, VB_ERROR, VB_ERROR_NOT_FOUND))
    {
      vb_log_warning (vps, NULL, NULL, "%s", error->message);
      return;
    }
  if (domain == NULL || read_into (infos, domain, &images, NULL))
    post (reader, vb_libvirt_lease_get_generation (lease), vps, infos);
}

static void
look_for_obstacles (Reader *reader, VbLibvirtLease *lease)
{
  g_autoptr (GPtrArray) found
      = vb_libvirt_obstacles_look (vb_libvirt_lease_get (lease), reader->snapshots);

  g_mutex_lock (&reader->lock);
  for (guint i = 0; i < found->len; i++)
    g_hash_table_add (reader->dirty, g_strdup (g_ptr_array_index (found, i)));
  g_mutex_unlock (&reader->lock);
}

/* Waits for work: the list, a VPS, or neither: it is time to look around. Returns FALSE when there
 * will be none any more. */
static gboolean
take_work (Reader *reader, gboolean *list, char **vps)
{
  GHashTableIter iter;
  gpointer key;
  gboolean goes_on;

  *vps = NULL;
  g_mutex_lock (&reader->lock);
  while (!reader->stopped && !reader->list_wanted && g_hash_table_size (reader->dirty) == 0
         && g_cond_wait_until (&reader->cond, &reader->lock, reader->look_at_us))
    ;
  goes_on = !reader->stopped;
  *list = reader->list_wanted;
  reader->list_wanted = FALSE;
  g_hash_table_iter_init (&iter, reader->dirty);
  if (goes_on && !*list && g_hash_table_iter_next (&iter, &key, NULL))
    {
      *vps = key;
      g_hash_table_iter_steal (&iter);
      reader->reading = *vps;
    }
  g_mutex_unlock (&reader->lock);
  return goes_on;
}

static gpointer
read_thread (gpointer data)
{
  Reader *reader = data;
  gboolean list;
  char *vps;

  while (take_work (reader, &list, &vps))
    {
      /* Without connection the work is moot: a new one begins with a list. */
      VbLibvirtLease *lease = vb_connection_pool_lease (reader->gate, VB_LIBVIRT_URGENT, 0, NULL);

      if (lease != NULL && list)
        read_all (reader, lease);
      else if (lease != NULL && vps != NULL)
        read_one (reader, lease, vps);
      else if (lease != NULL)
        look_for_obstacles (reader, lease);
      if (!list && vps == NULL)
        reader->look_at_us = g_get_monotonic_time () + LOOK_US;
      g_clear_pointer (&lease, vb_libvirt_lease_free);
      g_mutex_lock (&reader->lock);
      reader->reading = NULL;
      g_cond_broadcast (&reader->read);
      g_mutex_unlock (&reader->lock);
      g_free (vps);
    }
  reader_unref (reader);
  return NULL;
}

static void
vb_libvirt_inventory_finalize (GObject *object)
{
  VbLibvirtInventory *self = VB_LIBVIRT_INVENTORY (object);

  vb_libvirt_inventory_stop (self);
  reader_unref (self->reader);
  g_hash_table_unref (self->known);
  G_OBJECT_CLASS (vb_libvirt_inventory_parent_class)->finalize (object);
}

static void
vb_libvirt_inventory_class_init (VbLibvirtInventoryClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = vb_libvirt_inventory_finalize;
  signals[SIGNAL_CHANGED]
      = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                      VB_TYPE_VPS_INFO | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_REMOVED] = g_signal_new ("removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_LISTED]
      = g_signal_new ("listed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vb_libvirt_inventory_init (VbLibvirtInventory *self)
{
  /* The key belongs to the value. */
  self->known
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) vb_vps_info_free);
}

VbLibvirtInventory *
vb_libvirt_inventory_new (VbConnectionPool *gate)
{
  VbLibvirtInventory *self = g_object_new (VB_TYPE_LIBVIRT_INVENTORY, NULL);
  Reader *reader = g_atomic_rc_box_new0 (Reader);

  reader->gate = vb_connection_pool_ref (gate);
  g_weak_ref_init (&reader->owner, self);
  g_mutex_init (&reader->lock);
  g_cond_init (&reader->cond);
  g_cond_init (&reader->read);
  reader->dirty = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  reader->snapshots = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->reader = reader;
  return self;
}

/* Caller holds the lock. Each request tries it once more, until there is a thread. */
static void
ensure_thread (Reader *reader)
{
  g_autoptr (GError) error = NULL;

  if (reader->has_thread || reader->stopped)
    return;
  GThread *thread
      = g_thread_try_new ("vb-inventory", read_thread, g_atomic_rc_box_acquire (reader), &error);
  reader->has_thread = thread != NULL;
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  vb_log_warning (NULL, NULL, NULL, "Failed to start the thread that looks at the VPSs: %s",
                  error->message);
  reader_unref (reader);
}

void
vb_libvirt_inventory_list (VbLibvirtInventory *self)
{
  g_mutex_lock (&self->reader->lock);
  self->reader->list_wanted = TRUE;
  ensure_thread (self->reader);
  g_cond_signal (&self->reader->cond);
  g_mutex_unlock (&self->reader->lock);
}

void
vb_libvirt_inventory_refresh (VbLibvirtInventory *self, const char *vps)
{
  g_mutex_lock (&self->reader->lock);
  g_hash_table_add (self->reader->dirty, g_strdup (vps));
  ensure_thread (self->reader);
  g_cond_signal (&self->reader->cond);
  g_mutex_unlock (&self->reader->lock);
}

void
vb_libvirt_inventory_announce (VbLibvirtInventory *self, const char *vps)
{
  Reader *reader = g_atomic_rc_box_acquire (self->reader);
  gint64 until = g_get_monotonic_time () + ANNOUNCE_US;

  vb_libvirt_inventory_refresh (self, vps);
  g_mutex_lock (&reader->lock);
  while (!reader->stopped
         && (g_hash_table_contains (reader->dirty, vps) || g_strcmp0 (reader->reading, vps) == 0)
         && g_cond_wait_until (&reader->read, &reader->lock, until))
    ;
  g_mutex_unlock (&reader->lock);
  reader_unref (reader);
}

void
vb_libvirt_inventory_stop (VbLibvirtInventory *self)
{
  self->stopped = TRUE;
  g_mutex_lock (&self->reader->lock);
  self->reader->stopped = TRUE;
  g_cond_signal (&self->reader->cond);
  g_cond_broadcast (&self->reader->read);
  g_mutex_unlock (&self->reader->lock);
}
