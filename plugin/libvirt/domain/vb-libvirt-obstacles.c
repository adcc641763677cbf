/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-obstacles.h"

static int
count_snapshots (virDomainPtr domain)
{
  return MAX (0, virDomainSnapshotNum (domain, VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL));
}

gboolean
vb_libvirt_obstacles_has_records (virDomainPtr domain)
{
  virDomainCheckpointPtr *records = NULL;
  int n = virDomainListAllCheckpoints (domain, &records, 0);
  gboolean ours = FALSE;

  for (int i = 0; i < n; i++)
    {
      ours = ours || g_str_has_prefix (virDomainCheckpointGetName (records[i]), VB_LIBVIRT_OURS);
      virDomainCheckpointFree (records[i]);
    }
  free (records);
  return ours;
}

gboolean
vb_libvirt_obstacles_exist (virDomainPtr domain)
{
  /* Bitmaps may be on the disks without a record, which only those who read the disks see. */
  return count_snapshots (domain) > 0
         || (virDomainIsActive (domain) == 0 && vb_libvirt_obstacles_has_records (domain));
}

/* Returns: whether there are some, and more or less of them than at the last look */
static gboolean
note_snapshots (virDomainPtr domain, const char *vps, GHashTable *before, GHashTable *now)
{
  int n = count_snapshots (domain);

  g_hash_table_replace (now, g_strdup (vps), GINT_TO_POINTER (n));
  return n > 0 && n != GPOINTER_TO_INT (g_hash_table_lookup (before, vps));
}

static void
look_at_each (virConnectPtr connection,
              unsigned int flags,
              GPtrArray *found,
              GHashTable *before,
              GHashTable *now)
{
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (connection, &domains, flags);

  for (int i = 0; i < n; i++)
    {
      g_autofree char *vps = vb_libvirt_get_uuid (domains[i]);

      if (now != NULL ? note_snapshots (domains[i], vps, before, now)
                      : vb_libvirt_obstacles_has_records (domains[i]))
        g_ptr_array_add (found, g_steal_pointer (&vps));
      virDomainFree (domains[i]);
    }
  free (domains);
}

GPtrArray *
vb_libvirt_obstacles_look (virConnectPtr connection, GHashTable *snapshots)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) now = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer vps;
  gpointer n;

  look_at_each (connection, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, found, snapshots, now);
  look_at_each (connection,
                VIR_CONNECT_LIST_DOMAINS_INACTIVE | VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, found,
                NULL, NULL);
  g_hash_table_remove_all (snapshots);
  g_hash_table_iter_init (&iter, now);
  while (g_hash_table_iter_next (&iter, &vps, &n))
    g_hash_table_replace (snapshots, g_strdup (vps), n);
  return found;
}
