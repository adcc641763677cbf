/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-backup-xml.h"

#include "vb-xml.h"

static void append (GString *xml, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Like g_string_append_printf(), with every argument escaped. */
static void
append (GString *xml, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_markup_vprintf_escaped (format, args);
  va_end (args);
  g_string_append (xml, text);
}

char *
vb_backup_xml_bitmap (const char *target)
{
  return g_strconcat ("backup-", target, NULL);
}

static void
append_backup_disk (GString *xml,
                    const char *target,
                    const char *scratch,
                    const char *base,
                    gboolean incremental)
{
  g_autofree char *bitmap = vb_backup_xml_bitmap (target);

  if (scratch == NULL)
    {
      append (xml, "<disk name='%s' backup='no'/>", target);
      return;
    }
  append (xml, "<disk name='%s' backup='yes' type='file' exportname='%s' backupmode='%s'", target,
          target, incremental ? "incremental" : "full");
  if (incremental)
    append (xml, " incremental='%s' exportbitmap='%s'", base, bitmap);
  append (xml, "><driver type='qcow2'/><scratch file='%s'/></disk>", scratch);
}

char *
vb_backup_xml (VbDomainXml *domain,
               const char *socket,
               GHashTable *scratch,
               const char *base,
               GHashTable *base_targets)
{
  g_autoptr (GString) xml = g_string_new ("<domainbackup mode='pull'>");

  if (base != NULL)
    append (xml, "<incremental>%s</incremental>", base);
  append (xml, "<server transport='unix' socket='%s'/><disks>", socket);
  for (guint i = 0; i < domain->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (domain->disks, i);
      gboolean incremental = base != NULL && g_hash_table_contains (base_targets, disk->target);

      append_backup_disk (xml, disk->target, g_hash_table_lookup (scratch, disk->target), base,
                          incremental);
    }
  g_string_append (xml, "</disks></domainbackup>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

static void
job_disk_free (gpointer data)
{
  VbBackupJobDisk *disk = data;

  g_free (disk->target);
  g_free (disk->export_name);
  g_free (disk->scratch);
  g_free (disk->base);
  g_free (disk->bitmap);
  g_free (disk);
}

void
vb_backup_job_xml_free (VbBackupJobXml *self)
{
  g_free (self->socket);
  g_hash_table_unref (self->disks);
  g_free (self);
}

static gboolean
add_job_disk (VbBackupJobXml *self, xmlXPathContext *context, xmlNode *node)
{
  VbBackupJobDisk *disk = g_new0 (VbBackupJobDisk, 1);

  disk->target = vb_xml_text (context, node, "@name");
  disk->export_name = vb_xml_text (context, node, "@exportname");
  disk->scratch = vb_xml_text (context, node, "scratch/@file");
  disk->base = vb_xml_text (context, node, "@incremental");
  disk->bitmap = vb_xml_text (context, node, "@exportbitmap");
  if (disk->target == NULL || disk->scratch == NULL)
    {
      job_disk_free (disk);
      return FALSE;
    }
  if (disk->export_name == NULL)
    disk->export_name = g_strdup (disk->target);
  g_hash_table_replace (self->disks, disk->target, disk);
  return TRUE;
}

VbBackupJobXml *
vb_backup_job_xml_parse (const char *xml)
{
  g_autoptr (VbBackupJobXml) self = g_new0 (VbBackupJobXml, 1);
  g_autoptr (xmlDoc) document = vb_xml_parse (xml);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;
  g_autoptr (xmlXPathObject) found = NULL;

  self->disks = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, job_disk_free);
  if (context == NULL)
    return NULL;
  self->socket = vb_xml_text (context, NULL,
                              "/domainbackup[@mode='pull']/server[@transport='unix']/@socket");
  found = vb_xml_find (context, NULL, "/domainbackup/disks/disk[@backup='yes']");
  for (int i = 0; found != NULL && found->nodesetval != NULL && i < found->nodesetval->nodeNr; i++)
    if (!add_job_disk (self, context, found->nodesetval->nodeTab[i]))
      return NULL;
  return self->socket != NULL && g_hash_table_size (self->disks) > 0 ? g_steal_pointer (&self)
                                                                     : NULL;
}

char *
vb_checkpoint_xml (VbDomainXml *domain,
                   const char *name,
                   GHashTable *targets,
                   const char *parent,
                   gint64 created_s)
{
  g_autoptr (GString) xml = g_string_new ("<domaincheckpoint>");

  append (xml, "<name>%s</name>", name);
  if (parent != NULL)
    append (xml, "<parent><name>%s</name></parent>", parent);
  if (created_s > 0)
    g_string_append_printf (xml, "<creationTime>%" G_GINT64_FORMAT "</creationTime>", created_s);
  g_string_append (xml, "<disks>");
  for (guint i = 0; i < domain->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (domain->disks, i);

      if (g_hash_table_contains (targets, disk->target))
        append (xml, "<disk name='%s' checkpoint='bitmap' bitmap='%s'/>", disk->target, name);
      else
        append (xml, "<disk name='%s' checkpoint='no'/>", disk->target);
    }
  g_string_append (xml, "</disks></domaincheckpoint>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

/* Calls func for each disk that has a bitmap. */
static void
foreach_recorded (const char *xml,
                  void (*func) (xmlXPathContext *, xmlNode *, GHashTable *),
                  GHashTable *table)
{
  g_autoptr (xmlDoc) document = vb_xml_parse (xml);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;
  g_autoptr (xmlXPathObject) found = NULL;

  if (context == NULL)
    return;
  found = vb_xml_find (context, NULL,
                       "/domaincheckpoint/disks/disk[@checkpoint='bitmap' and @name!='']");
  for (int i = 0; found != NULL && found->nodesetval != NULL && i < found->nodesetval->nodeNr; i++)
    func (context, found->nodesetval->nodeTab[i], table);
}

static void
add_target (xmlXPathContext *context, xmlNode *node, GHashTable *targets)
{
  char *target = vb_xml_text (context, node, "@name");

  g_hash_table_replace (targets, target, vb_xml_text (context, node, "@bitmap"));
}

GHashTable *
vb_checkpoint_xml_targets (const char *xml)
{
  GHashTable *targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  foreach_recorded (xml, add_target, targets);
  return targets;
}

static void
add_size (xmlXPathContext *context, xmlNode *node, GHashTable *sizes)
{
  g_autofree char *text = vb_xml_text (context, node, "@size");
  guint64 size;

  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &size, NULL))
    g_hash_table_replace (sizes, vb_xml_text (context, node, "@name"),
                          g_memdup2 (&size, sizeof size));
}

GHashTable *
vb_checkpoint_xml_sizes (const char *xml)
{
  GHashTable *sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  foreach_recorded (xml, add_size, sizes);
  return sizes;
}
