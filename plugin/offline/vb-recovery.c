/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-recovery.h"

#include "libvirt/xml/vb-domain-move.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-offline-libvirt.h"
#include "storage/pool/vb-pool-recovery.h"

struct _VbRecovery
{
  VbPoolRecovery *files;
  virConnect *connection; /* (nullable) */
  char *vps;
  char *definition;
  GPtrArray *notes; /* (element-type utf8) */
};

void
vb_recovery_free (VbRecovery *self)
{
  g_clear_pointer (&self->files, vb_pool_recovery_free);
  g_clear_pointer (&self->connection, virConnectClose);
  g_ptr_array_unref (self->notes);
  g_free (self->vps);
  g_free (self->definition);
  g_free (self);
}

/* The VPS that is there may be the one that was lost, or another one by now: not ours to
 * replace. */
static gboolean
check_absent (VbRecovery *self, GError **error)
{
  g_autofree char *name = vb_domain_move_get_name (self->definition);
  g_autoptr (virDomain) by_uuid = virDomainLookupByUUIDString (self->connection, self->vps);
  g_autoptr (virDomain) by_name
      = name != NULL ? virDomainLookupByName (self->connection, name) : NULL;

  if (by_uuid == NULL && by_name == NULL)
    return TRUE;
  g_set_error (
      error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
      by_uuid != NULL
          ? _ ("The VPS %s is defined on this host; go back to a backup with “vps-backupctl "
               "restore”, or undefine it first with “virsh undefine”.")
          : _ ("Another VPS on this host is called %s; rename it first with “virsh "
               "domrename”."),
      name);
  return FALSE;
}

/* Another UUID, too: two VPSs cannot share one. */
static gboolean
rename_vps (VbRecovery *self, const char *name, GError **error)
{
  g_autofree char *moved = g_steal_pointer (&self->definition);

  g_free (self->vps);
  self->vps = g_uuid_string_random ();
  self->definition = vb_domain_move_rename (moved, name, self->vps, error);
  return self->definition != NULL;
}

VbRecovery *
vb_recovery_new (const char *pool,
                 const char *uri,
                 const char *vps,
                 const char *backup,
                 const char *name,
                 const char *into,
                 GError **error)
{
  g_autoptr (VbRecovery) self = g_new0 (VbRecovery, 1);

  self->notes = g_ptr_array_new_with_free_func (g_free);
  self->vps = g_strdup (vps);
  self->files = vb_pool_recovery_new (pool, vps, backup, name, into, error);
  if (self->files == NULL)
    return NULL;
  self->definition = vb_domain_move (vb_pool_recovery_get_definition (self->files),
                                     vb_pool_recovery_get_disks (self->files),
                                     vb_pool_recovery_get_nvram (self->files), self->notes, error);
  if (self->definition == NULL || (name != NULL && !rename_vps (self, name, error)))
    return NULL;
  if (uri != NULL)
    {
      self->connection = vb_offline_connect (uri, error);
      if (self->connection == NULL || !check_absent (self, error))
        return NULL;
    }
  return g_steal_pointer (&self);
}

static gboolean
define (VbRecovery *self, GError **error)
{
  g_autoptr (virDomain) domain = NULL;

  if (self->connection == NULL)
    return TRUE;
  domain = virDomainDefineXML (self->connection, self->definition);
  if (domain != NULL)
    return TRUE;
  vb_libvirt_set_error (error,
                        _ ("The disks are there, but this host does not take the definition; "
                           "correct it and run “virsh define %s”"),
                        vb_recovery_get_definition_path (self));
  return FALSE;
}

gboolean
vb_recovery_run (VbRecovery *self, VbTransfer *transfer, GError **error)
{
  return vb_pool_recovery_run (self->files, transfer, self->definition, error)
         && define (self, error);
}

const char *
vb_recovery_get_vps (VbRecovery *self)
{
  return self->vps;
}

GPtrArray *
vb_recovery_get_disks (VbRecovery *self)
{
  return vb_pool_recovery_get_disks (self->files);
}

const char *
vb_recovery_get_definition_path (VbRecovery *self)
{
  return vb_pool_recovery_get_xml_path (self->files);
}

GPtrArray *
vb_recovery_get_notes (VbRecovery *self)
{
  return self->notes;
}
