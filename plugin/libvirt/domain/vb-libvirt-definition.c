/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-definition.h"

#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"
#include "libvirt/xml/vb-definition.h"
#include "vb-disk-image.h"
#include "vb-libvirt-disks.h"
#include "vb-libvirt-domain.h"
#include "vb-libvirt-snapshots.h"

static char *
read_permanent (virDomainPtr domain, GError **error)
{
  char *text = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);
  char *copy;

  if (text == NULL)
    {
      vb_libvirt_set_error (error, "Failed to read the permanent definition of the VPS");
      return NULL;
    }
  copy = g_strdup (text);
  free (text);
  return copy;
}

static gboolean
define (virDomainPtr domain, const char *xml, GError **error)
{
  g_autoptr (virDomain) defined = virDomainDefineXML (virDomainGetConnect (domain), xml);

  if (defined == NULL)
    vb_libvirt_set_error (error, "Failed to change the permanent definition of the VPS");
  return defined != NULL;
}

/* --- before --- */

gboolean
vb_libvirt_definition_check (virDomainPtr domain, GError **error)
{
  g_autoptr (VbDomainXml) live = NULL;
  g_autoptr (VbDomainXml) permanent = NULL;
  gboolean active;

  if (!vb_libvirt_is_active (domain, &active, error))
    return FALSE;
  /* One without is refused when its power is to be cut. */
  if (!active || virDomainIsPersistent (domain) == 0)
    return TRUE;
  live = vb_libvirt_read_disks (domain, error);
  permanent = live != NULL ? vb_libvirt_read_permanent_disks (domain, TRUE, error) : NULL;
  return permanent != NULL && vb_definition_compare (live, permanent, error)
         && vb_libvirt_disks_check_idle (domain, live, error);
}

static void
warn (GPtrArray *warnings, const char *format, const char *name)
{
  char *sentence = g_strdup_printf (format, name);

  if (g_ptr_array_find_with_equal_func (warnings, sentence, g_str_equal, NULL))
    g_free (sentence);
  else
    g_ptr_array_add (warnings, sentence);
}

/* libvirt knows some of the snapshots only, and an image may hold others. */
static void
warn_of_stored (GPtrArray *warnings, const VbDomainDisk *disk)
{
  g_autoptr (VbDiskImage) image
      = disk->skipped == NULL ? vb_disk_image_read_top (disk, NULL) : NULL;

  for (guint i = 0; image != NULL && i < image->snapshots->len; i++)
    warn (warnings, _ ("The snapshot “%s” of the VPS is lost with the restore."),
          g_ptr_array_index (image->snapshots, i));
}

GPtrArray *
vb_libvirt_definition_warnings (virDomainPtr domain, GError **error)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, error);
  g_autoptr (GPtrArray) snapshots = xml != NULL ? vb_libvirt_snapshots_list (domain, error) : NULL;

  if (snapshots == NULL)
    return NULL;
  for (guint i = 0; i < snapshots->len; i++)
    warn (warnings, _ ("The snapshot “%s” of the VPS is lost with the restore."),
          virDomainSnapshotGetName (g_ptr_array_index (snapshots, i)));
  for (guint i = 0; i < xml->disks->len; i++)
    warn_of_stored (warnings, g_ptr_array_index (xml->disks, i));
  if (virDomainHasManagedSaveImage (domain, 0) > 0)
    g_ptr_array_add (warnings,
                     g_strdup (_ ("The saved memory of the VPS is lost with the restore.")));
  return g_steal_pointer (&warnings);
}

/* --- after a swap --- */

static char **
list_without_chain (VbDomainXml *xml, GError **error)
{
  g_autoptr (GStrvBuilder) targets = g_strv_builder_new ();

  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      gboolean has_chain;

      if (disk->skipped != NULL)
        continue;
      if (!vb_disk_image_says_chain (disk, &has_chain, error))
        return NULL;
      if (!has_chain)
        g_strv_builder_add (targets, disk->target);
    }
  return g_strv_builder_end (targets);
}

static void
log_forgotten (virDomainPtr domain, GPtrArray *snapshots)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);

  if (snapshots->len > 0)
    vb_log_info (vps, NULL, NULL, "%u snapshots went with the disks that were replaced",
                 snapshots->len);
}

/* The records go after the definition has noted them, so that an undo finds all of them. */
gboolean
vb_libvirt_definition_fit (virDomainPtr domain, GError **error)
{
  g_autofree char *before = read_permanent (domain, error);
  g_autoptr (VbDomainXml) xml
      = before != NULL ? vb_libvirt_read_permanent_disks (domain, FALSE, error) : NULL;
  g_auto (GStrv) alone = xml != NULL ? list_without_chain (xml, error) : NULL;
  const char *const *targets = (const char *const *) alone;
  g_autoptr (GPtrArray) snapshots
      = targets != NULL ? vb_libvirt_snapshots_describe_lost (domain, xml, targets, error) : NULL;
  g_autofree char *after = NULL;

  if (snapshots == NULL || !vb_definition_take_out (before, targets, snapshots, &after, error)
      || (after != NULL && !define (domain, after, error)))
    return FALSE;
  log_forgotten (domain, snapshots);
  return vb_libvirt_snapshots_forget (domain, snapshots, error);
}

gboolean
vb_libvirt_definition_put_back (virDomainPtr domain, GError **error)
{
  g_autofree char *before = read_permanent (domain, error);
  g_autofree char *after = NULL;
  g_autoptr (GPtrArray) snapshots = NULL;
  g_autoptr (GError) failure = NULL;

  if (before == NULL || !vb_definition_put_back (before, &after, &snapshots, error)
      || (after != NULL && !define (domain, after, error)))
    return FALSE;
  /* The disks are what counts: a record that libvirt does not take back, beside another program's
   * checkpoint, for example, must not keep the VPS from them. */
  if (!vb_libvirt_snapshots_define (domain, snapshots, &failure))
    vb_log_warning (NULL, NULL, NULL, "%s", failure->message);
  return TRUE;
}

gboolean
vb_libvirt_definition_settle (virDomainPtr domain, GError **error)
{
  g_autofree char *before = read_permanent (domain, error);
  g_autofree char *after = NULL;

  return before != NULL && vb_definition_settle (before, &after, error)
         && (after == NULL || define (domain, after, error));
}
