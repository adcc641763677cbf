/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-domain-xml.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-domain-metadata.h"
#include "vb-xml.h"

static void
domain_disk_free (gpointer data)
{
  VbDomainDisk *disk = data;

  g_free (disk->target);
  g_free (disk->path);
  g_free (disk->format);
  g_free (disk->pool);
  g_free (disk->volume);
  g_ptr_array_unref (disk->lower);
  g_clear_pointer (&disk->chain, vb_image_chain_unref);
  g_clear_error (&disk->trouble);
  g_free (disk);
}

void
vb_domain_xml_free (VbDomainXml *self)
{
  g_ptr_array_unref (self->disks);
  g_free (self->unsupported);
  g_free (self->nvram_path);
  g_clear_pointer (&self->schedules, g_ptr_array_unref);
  g_clear_error (&self->schedule_error);
  g_free (self);
}

VbDomainDisk *
vb_domain_xml_find_disk (VbDomainXml *self, const char *target)
{
  for (guint i = 0; i < self->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (self->disks, i);

      if (g_strcmp0 (disk->target, target) == 0)
        return disk;
    }
  return NULL;
}

static const char *
skip_reason (xmlXPathContext *context, xmlNode *node, const char *device)
{
  if (g_strcmp0 (device, "cdrom") == 0)
    return "cdrom";
  if (g_strcmp0 (device, "floppy") == 0)
    return "floppy";
  if (vb_xml_has (context, node, "readonly"))
    return "readonly";
  if (vb_xml_has (context, node, "shareable"))
    return "shareable";
  return vb_xml_has (context, node, "source") ? NULL : "empty";
}

/* Returns the translated sentence, with room for the disk's name, or NULL when the disk can be
 * backed up. */
static const char *
unsupported_type (const char *type)
{
  if (g_strcmp0 (type, "file") == 0 || g_strcmp0 (type, "block") == 0
      || g_strcmp0 (type, "volume") == 0)
    return NULL;
  if (g_strcmp0 (type, "network") == 0)
    return _ ("The disk %s is a network disk, which cannot be backed up.");
  if (g_strcmp0 (type, "vhostuser") == 0)
    return _ ("The disk %s is a vhost-user disk, which cannot be backed up.");
  return _ ("The disk %s is neither an image file nor a block device and cannot be backed up.");
}

static const char *
unsupported_feature (xmlXPathContext *context,
                     xmlNode *node,
                     const char *device,
                     const VbDomainDisk *disk)
{
  if (g_strcmp0 (device, "lun") == 0)
    return _ ("The disk %s is passed through to the VPS and cannot be backed up.");
  if (vb_xml_has (context, node, "encryption | source/encryption"))
    return _ ("The disk %s is encrypted by the host and cannot be backed up.");
  if (vb_xml_has (context, node, "transient"))
    return _ ("The disk %s forgets its changes when the VPS stops and cannot be backed up.");
  if (vb_xml_has (context, node, "source/slices"))
    return _ ("The disk %s is only a part of an image file and cannot be backed up.");
  if (g_strcmp0 (disk->format, "qcow2") != 0 && g_strcmp0 (disk->format, "raw") != 0)
    return _ ("The disk %s has an image format that cannot be backed up.");
  if (disk->is_block && g_strcmp0 (disk->format, "raw") != 0)
    return _ ("The disk %s is an image inside a block device, which could not be restored, and "
              "cannot be backed up.");
  return NULL;
}

/* From the top down; nothing more is told when an element is missing, and nothing more is there
 * when it is empty. */
static void
read_lower (xmlXPathContext *context, xmlNode *node, VbDomainDisk *disk)
{
  while (TRUE)
    {
      g_autoptr (xmlXPathObject) found = vb_xml_find (context, node, "backingStore");
      g_autofree char *path = NULL;
      g_autofree char *format = NULL;

      if (found == NULL || found->nodesetval == NULL || found->nodesetval->nodeNr == 0)
        return;
      node = found->nodesetval->nodeTab[0];
      disk->is_ended = !vb_xml_has (context, node, "source");
      if (disk->is_ended)
        return;
      path = vb_xml_text (context, node, "source/@file | source/@dev");
      format = vb_xml_text (context, node, "format/@type");
      disk->is_remote = path == NULL;
      if (disk->is_remote)
        return;
      g_ptr_array_add (disk->lower, vb_image_layer_new (path, format != NULL ? format : "raw"));
    }
}

static void
read_disk (VbDomainXml *self, xmlXPathContext *context, xmlNode *node)
{
  VbDomainDisk *disk = g_new0 (VbDomainDisk, 1);
  g_autofree char *device = vb_xml_text (context, node, "@device");
  g_autofree char *type = vb_xml_text (context, node, "@type");
  g_autofree char *path = vb_xml_text (context, node, "source/@file | source/@dev");
  g_autofree char *format = vb_xml_text (context, node, "driver/@type");
  const char *sentence;

  disk->target = vb_xml_text (context, node, "target/@dev");
  disk->lower = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_image_layer_free);
  disk->skipped = skip_reason (context, node, device);
  g_ptr_array_add (self->disks, disk);
  if (disk->target == NULL)
    {
      /* libvirt names each disk; one that it does not name cannot be asked for. */
      disk->target = g_strdup ("");
      if (self->unsupported == NULL)
        self->unsupported
            = g_strdup (_ ("The hypervisor cannot describe the VPS; see the host's log."));
    }
  if (disk->skipped != NULL)
    return;
  disk->format = format != NULL ? g_steal_pointer (&format) : g_strdup ("raw");
  disk->is_block = g_strcmp0 (type, "block") == 0;
  disk->path = g_steal_pointer (&path);
  disk->pool = vb_xml_text (context, node, "source/@pool");
  disk->volume = vb_xml_text (context, node, "source/@volume");
  sentence = unsupported_type (type);
  if (sentence == NULL)
    sentence = unsupported_feature (context, node, device, disk);
  read_lower (context, node, disk);
  if (sentence != NULL && self->unsupported == NULL)
    self->unsupported = g_strdup_printf (sentence, disk->target);
}

static gboolean
has_disk_to_back_up (VbDomainXml *self)
{
  for (guint i = 0; i < self->disks->len; i++)
    if (((VbDomainDisk *) g_ptr_array_index (self->disks, i))->skipped == NULL)
      return TRUE;
  return FALSE;
}

static void
read_disks (VbDomainXml *self, xmlXPathContext *context)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (context, NULL, "/domain/devices/disk");

  for (int i = 0; found != NULL && found->nodesetval != NULL && i < found->nodesetval->nodeNr; i++)
    read_disk (self, context, found->nodesetval->nodeTab[i]);
  if (self->unsupported != NULL)
    return;
  if (vb_xml_has (context, NULL, "/domain/devices/tpm"))
    self->unsupported = g_strdup (_ ("The VPS has a TPM, whose memory cannot be backed up."));
  else if (vb_xml_has (
               context, NULL,
               "/domain/devices/hostdev[@type='scsi' or @type='scsi_host' or @type='storage']"))
    self->unsupported = g_strdup (
        _ ("The VPS has a disk of the host passed through to it, which cannot be backed up."));
  else if (!has_disk_to_back_up (self))
    self->unsupported = g_strdup (_ ("The VPS has no writable disk that could be backed up."));
}

static gint64
user_id (const char *word)
{
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[4096];

  if (word[0] == '+' || g_ascii_isdigit (word[0]))
    return g_ascii_strtoll (word[0] == '+' ? word + 1 : word, NULL, 10);
  getpwnam_r (word, &entry, buffer, sizeof buffer, &found);
  return found != NULL ? (gint64) found->pw_uid : -1;
}

static gint64
group_id (const char *word)
{
  struct group entry;
  struct group *found = NULL;
  char buffer[16384];

  if (word[0] == '+' || g_ascii_isdigit (word[0]))
    return g_ascii_strtoll (word[0] == '+' ? word + 1 : word, NULL, 10);
  getgrnam_r (word, &entry, buffer, sizeof buffer, &found);
  return found != NULL ? (gint64) found->gr_gid : -1;
}

/* The label of the live XML is "+uid:+gid", or names where an administrator wrote it. */
static void
read_owner (VbDomainXml *self, xmlXPathContext *context)
{
  g_autofree char *label = vb_xml_text (context, NULL, "/domain/seclabel[@model='dac']/label");
  g_auto (GStrv) words = g_strsplit (label != NULL ? label : "", ":", 2);

  self->qemu_uid = words[0] != NULL && words[0][0] != '\0' ? user_id (words[0]) : -1;
  self->qemu_gid = words[0] != NULL && words[1] != NULL ? group_id (words[1]) : -1;
}

VbDomainXml *
vb_domain_xml_parse (const char *xml, GError **error)
{
  g_autoptr (xmlDoc) document = vb_xml_parse (xml);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;
  VbDomainXml *self;

  if (context == NULL || !vb_xml_has (context, NULL, "/domain"))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL,
                           "The hypervisor's description of the VPS is not understood");
      return NULL;
    }
  self = g_new0 (VbDomainXml, 1);
  self->disks = g_ptr_array_new_with_free_func (domain_disk_free);
  read_disks (self, context);
  read_owner (self, context);
  self->nvram_path = vb_xml_text (context, NULL, "/domain/os/nvram/source/@file");
  if (self->nvram_path == NULL)
    self->nvram_path = vb_xml_text (context, NULL, "/domain/os/nvram/text()");
  self->slots_total = vb_domain_metadata_get_slots (context);
  self->schedules = vb_domain_metadata_get_schedules (context, &self->schedule_error);
  self->no_bitmaps = vb_domain_metadata_forbids_bitmaps (context);
  self->agent_connected = vb_xml_has (
      context, NULL,
      "/domain/devices/channel/target[@name='org.qemu.guest_agent.0' and @state='connected']");
  return self;
}
