/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-captures.h"

#include <unistd.h>

#include "vb-capture-folder.h"
#include "libvirt/domain/vb-disk-image.h"
#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "libvirt/domain/vb-guest-agent.h"
#include "vb-libvirt-backup.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint.h"
#include "libvirt/domain/vb-libvirt-disks.h"
#include "vb-live-capture.h"
#include "vb-live-resume.h"
#include "core/base/vb-log.h"
#include "vb-offline-capture.h"

/* How often to begin again when the VPS is switched on or off meanwhile. */
#define ATTEMPTS 3

/* A job must not stay behind because libvirtd is being restarted just now. */
#define END_WAIT_S 60

struct _VbLibvirtCaptures
{
  VbConnectionPool *gate;
  char *runtime_folder;

  GMutex lock;
  GHashTable *jobs; /* operation → VbLiveJob; under the lock */
};

VbLibvirtCaptures *
vb_libvirt_captures_new (VbConnectionPool *gate, const char *runtime_folder)
{
  VbLibvirtCaptures *self = g_new0 (VbLibvirtCaptures, 1);

  self->gate = vb_connection_pool_ref (gate);
  self->runtime_folder = g_strdup (runtime_folder);
  g_mutex_init (&self->lock);
  self->jobs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) vb_live_job_unref);
  return self;
}

void
vb_libvirt_captures_free (VbLibvirtCaptures *self)
{
  g_hash_table_unref (self->jobs);
  g_mutex_clear (&self->lock);
  vb_connection_pool_unref (self->gate);
  g_free (self->runtime_folder);
  g_free (self);
}

static void
remember (VbLibvirtCaptures *self, const char *operation, VbLiveJob *job)
{
  g_mutex_lock (&self->lock);
  g_hash_table_replace (self->jobs, g_strdup (operation), job);
  g_mutex_unlock (&self->lock);
}

static void
forget (VbLibvirtCaptures *self, const char *operation)
{
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->jobs, operation);
  g_mutex_unlock (&self->lock);
}

static VbLiveJob *
find (VbLibvirtCaptures *self, const char *operation)
{
  VbLiveJob *job;

  g_mutex_lock (&self->lock);
  job = g_hash_table_lookup (self->jobs, operation);
  if (job != NULL)
    vb_live_job_ref (job);
  g_mutex_unlock (&self->lock);
  return job;
}

void
vb_libvirt_captures_lose (VbLibvirtCaptures *self, const char *vps, const char *message)
{
  GHashTableIter iter;
  gpointer job;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &job))
    if (g_str_equal (vb_live_job_get_vps (job), vps))
      vb_live_job_lose (job, VB_ERROR_INTERRUPTED, message);
  g_mutex_unlock (&self->lock);
}

/* The persistent definition, with its secrets: what a restore elsewhere needs. */
static gboolean
read_definition (virDomainPtr domain, VbDomainXml *xml, VbCapture *capture, GError **error)
{
  char *text = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);

  if (text == NULL)
    {
      vb_libvirt_set_error (error, "Failed to read the definition of the VPS");
      return FALSE;
    }
  capture->domain_xml = g_strdup (text);
  free (text);
  /* A VPS that was never started has none yet. */
  if (xml->nvram_path != NULL && access (xml->nvram_path, F_OK) == 0)
    capture->nvram_path = g_strdup (xml->nvram_path);
  return TRUE;
}

static VbCapture *
begin_once (VbLibvirtCaptures *self,
            virDomainPtr domain,
            gboolean active,
            const VbCaptureRequest *request,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_disks_read (domain, error);
  g_autoptr (VbCapture) capture
      = vb_capture_new (request->vps, request->backup, request->operation);
  VbLiveJob *job;

  if (xml == NULL || !read_definition (domain, xml, capture, error))
    return NULL;
  if (!active)
    {
      if (!vb_offline_capture_begin (domain, xml, capture, request, error))
        return NULL;
      return g_steal_pointer (&capture);
    }
  job = vb_live_capture_begin (self->gate, self->runtime_folder, domain, xml, capture, request,
                               cancellable, error);
  if (job == NULL)
    return NULL;
  remember (self, request->operation, job);
  return g_steal_pointer (&capture);
}

VbCapture *
vb_libvirt_captures_begin (VbLibvirtCaptures *self,
                           const VbCaptureRequest *request,
                           GCancellable *cancellable,
                           GError **error)
{
  g_autoptr (VbLibvirtLease) lease
      = vb_connection_pool_lease (self->gate, VB_LIBVIRT_NORMAL, 0, error);
  g_autoptr (virDomain) domain
      = lease != NULL ? vb_libvirt_lease_lookup (lease, request->vps, error) : NULL;

  if (domain == NULL)
    return NULL;
  for (guint attempt = 1;; attempt++)
    {
      g_autoptr (GError) local = NULL;
      VbCapture *capture;
      gboolean before;
      gboolean after;

      if (!vb_libvirt_is_active (domain, &before, error))
        return NULL;
      capture = begin_once (self, domain, before, request, cancellable, &local);
      if (capture != NULL)
        return capture;
      if (attempt == ATTEMPTS || !vb_libvirt_is_active (domain, &after, NULL) || before == after)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
    }
}

gboolean
vb_libvirt_captures_check (VbLibvirtCaptures *self, VbCapture *capture, GError **error)
{
  g_autoptr (VbLiveJob) job = find (self, capture->operation);

  return job == NULL || vb_live_job_check (job, error);
}

gboolean
vb_libvirt_captures_has_process (VbLibvirtCaptures *self, VbCapture *capture)
{
  g_autoptr (VbLiveJob) job = find (self, capture->operation);

  return job != NULL && vb_live_job_has_process (job);
}

/* Tells libvirt of the bitmaps that an offline capture has added. */
static gboolean
keep_offline (virDomainPtr domain, const char *name, GError **error)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, error);
  g_autoptr (GHashTable) targets = NULL;

  if (xml == NULL)
    return FALSE;
  targets = vb_libvirt_checkpoint_stored (xml, name);
  return g_hash_table_size (targets) == 0
         || vb_libvirt_checkpoint_define (domain, xml, name, targets, error);
}

static gboolean
end_on_domain (virDomainPtr domain, VbCapture *capture, gboolean keep, GError **error)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (capture->backup);

  if (capture->running
      && !VB_FAULT_AROUND (vb_libvirt_backup_abort (domain, capture->operation, error),
                           "backup-abort"))
    return FALSE;
  if (!keep)
    return vb_libvirt_checkpoint_delete (domain, name, error);
  return capture->running
         || (vb_offline_capture_check (capture, error)
             && VB_FAULT_AROUND (keep_offline (domain, name, error), "keep-offline"));
}

/* What libvirt has not removed; the disks tell the names. */
static void
remove_scratch (virDomainPtr domain, const char *operation)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, NULL);
  g_autoptr (VbScratch) scratch = xml != NULL ? vb_scratch_new (xml, operation, NULL) : NULL;

  if (scratch != NULL)
    vb_scratch_remove (scratch);
}

gboolean
vb_libvirt_captures_end (VbLibvirtCaptures *self, VbCapture *capture, gboolean keep, GError **error)
{
  g_autoptr (VbLiveJob) job = find (self, capture->operation);
  g_autoptr (VbLibvirtLease) lease = NULL;
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (GError) local = NULL;

  lease = vb_connection_pool_lease (self->gate, VB_LIBVIRT_NORMAL, END_WAIT_S, error);
  if (lease == NULL)
    return FALSE;
  domain = vb_libvirt_lease_lookup (lease, capture->vps, &local);
  if (domain != NULL)
    end_on_domain (domain, capture, keep, &local);
  /* A VPS that does not exist any more has no job and no checkpoint either. */
  if (local != NULL && !g_error_matches (local, VB_ERROR, VB_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (job != NULL)
    {
      forget (self, capture->operation);
      vb_live_job_unwatch (job);
      vb_scratch_remove (vb_live_job_get_scratch (job));
    }
  else if (capture->running && domain != NULL)
    remove_scratch (domain, capture->operation);
  if (capture->running)
    vb_capture_folder_remove (self->runtime_folder, capture->operation);
  return TRUE;
}

gboolean
vb_libvirt_captures_detach (VbLibvirtCaptures *self, VbCapture *capture, GError **error)
{
  g_autoptr (VbLiveJob) job = find (self, capture->operation);
  guint64 bytes = 0;

  for (guint i = 0; i < capture->disks->len; i++)
    bytes += ((VbCaptureDisk *) g_ptr_array_index (capture->disks, i))->virtual_size_bytes;
  if (job == NULL)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERRUPTED,
                           "There is no backup job to be left");
      return FALSE;
    }
  if (!vb_live_job_check (job, error) || !vb_live_job_check_room (job, bytes, error))
    return FALSE;
  forget (self, capture->operation);
  vb_live_job_unwatch (job);
  return TRUE;
}

VbCapture *
vb_libvirt_captures_resume (VbLibvirtCaptures *self,
                            const VbCaptureRequest *request,
                            GError **error)
{
  g_autoptr (VbLibvirtLease) lease
      = vb_connection_pool_lease (self->gate, VB_LIBVIRT_NORMAL, 0, error);
  g_autoptr (virDomain) domain
      = lease != NULL ? vb_libvirt_lease_lookup (lease, request->vps, error) : NULL;
  g_autoptr (VbDomainXml) xml = domain != NULL ? vb_libvirt_read_disks (domain, error) : NULL;
  g_autoptr (VbCapture) capture
      = vb_capture_new (request->vps, request->backup, request->operation);
  VbLiveJob *job;

  if (xml == NULL || !read_definition (domain, xml, capture, error))
    return NULL;
  job = vb_live_resume (self->gate, domain, xml, capture, request, error);
  if (job == NULL)
    return NULL;
  remember (self, request->operation, job);
  return g_steal_pointer (&capture);
}

static gboolean
abort_on_domain (VbLibvirtCaptures *self,
                 virDomainPtr domain,
                 const char *operation,
                 const char *backup,
                 GError **error)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (backup);
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, error);

  if (xml == NULL)
    return FALSE;
  /* The crash may have come between freeze and thaw; a guest that is not frozen is not harmed. */
  if (xml->agent_connected)
    vb_guest_agent_thaw (self->gate, domain, operation);
  if (!vb_libvirt_backup_abort (domain, operation, error)
      || !vb_libvirt_checkpoint_delete (domain, name, error))
    return FALSE;
  remove_scratch (domain, operation);
  return TRUE;
}

gboolean
vb_libvirt_captures_abort_orphan (VbLibvirtCaptures *self,
                                  const char *vps,
                                  const char *operation,
                                  const char *backup,
                                  GError **error)
{
  g_autoptr (VbLibvirtLease) lease
      = vb_connection_pool_lease (self->gate, VB_LIBVIRT_NORMAL, 0, error);
  g_autoptr (virDomain) domain = NULL;
  g_autoptr (GError) local = NULL;

  if (lease == NULL)
    return FALSE;
  forget (self, operation);
  domain = vb_libvirt_lease_lookup (lease, vps, &local);
  if (domain != NULL)
    abort_on_domain (self, domain, operation, backup, &local);
  if (local != NULL && !g_error_matches (local, VB_ERROR, VB_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  vb_capture_folder_remove (self->runtime_folder, operation);
  return TRUE;
}
