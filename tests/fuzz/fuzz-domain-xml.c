/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt says of domains and checkpoints, and what we say to it of them. */
#include "fuzz.h"
#include "libvirt/xml/vb-backup-xml.h"
#include "libvirt/xml/vb-domain-xml.h"
#include "libvirt/xml/vb-xml.h"

/* Whatever a disk is called, what we make of it is XML. */
static void
check_own_xml (VbDomainXml *domain)
{
  g_autoptr (GHashTable) scratch = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *backup = NULL;
  g_autofree char *checkpoint = NULL;
  g_autoptr (GHashTable) targets = NULL;

  for (guint i = 0; i < domain->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (domain->disks, i);

      if (*disk->target != '\0' && disk->skipped == NULL)
        g_hash_table_insert (scratch, disk->target, disk->target);
    }

  backup = vb_backup_xml (domain, "/run/socket", scratch, NULL, NULL);
  checkpoint = vb_checkpoint_xml (domain, "vps-backup.x", scratch, NULL, 0);
  targets = vb_checkpoint_xml_targets (checkpoint);
  g_assert_nonnull (backup);
  g_assert_cmpuint (g_hash_table_size (targets), ==, g_hash_table_size (scratch));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *xml = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (VbDomainXml) domain = vb_domain_xml_parse (xml, &error);
  g_autoptr (GHashTable) targets = vb_checkpoint_xml_targets (xml);
  g_autoptr (GHashTable) sizes = vb_checkpoint_xml_sizes (xml);

  g_assert_true ((domain == NULL) == (error != NULL));
  if (domain != NULL)
    check_own_xml (domain);
  return 0;
}
