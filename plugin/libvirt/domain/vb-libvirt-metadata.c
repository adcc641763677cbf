/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-metadata.h"

#include "vb-libvirt-domain.h"

#define METADATA_KEY "vps-backup"

/* One child is changed, and nothing else. */
typedef char *(*EditElement) (const char *element, gconstpointer data);

static char *
edit_slots (const char *element, gconstpointer data)
{
  return vb_domain_metadata_edit_slots (element, *(const guint *) data);
}

typedef struct
{
  const char *id;
  const VbSchedule *schedule;
} ScheduleEdit;

static char *
edit_schedule (const char *element, gconstpointer data)
{
  const ScheduleEdit *edit = data;

  return vb_domain_metadata_edit_schedule (element, edit->id, edit->schedule);
}

static gboolean
change (virDomainPtr domain,
        EditElement edit,
        gconstpointer data,
        unsigned int flags,
        GError **error)
{
  char *before
      = virDomainGetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, VB_DOMAIN_METADATA_URI, flags);
  virError *failure = before == NULL ? virGetLastError () : NULL;
  gboolean known
      = before != NULL || (failure != NULL && failure->code == VIR_ERR_NO_DOMAIN_METADATA);
  g_autofree char *after = known ? edit (before, data) : NULL;

  free (before);
  if (known
      && virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, after, METADATA_KEY,
                               VB_DOMAIN_METADATA_URI, flags)
             == 0)
    return TRUE;
  vb_libvirt_set_error (error, "Failed to write into the VPS's metadata");
  return FALSE;
}

/* The live one last: it is what is read, so it does not tell what the persistent one lacks. */
static gboolean
change_both (virDomainPtr domain, EditElement edit, gconstpointer data, GError **error)
{
  gboolean active;

  return vb_libvirt_is_active (domain, &active, error)
         && (virDomainIsPersistent (domain) <= 0
             || change (domain, edit, data, VIR_DOMAIN_AFFECT_CONFIG, error))
         && (!active || change (domain, edit, data, VIR_DOMAIN_AFFECT_LIVE, error));
}

gboolean
vb_libvirt_metadata_set_slots (virDomainPtr domain, guint total, GError **error)
{
  return change_both (domain, edit_slots, &total, error);
}

gboolean
vb_libvirt_metadata_set_schedule (virDomainPtr domain,
                                  const char *id,
                                  const VbSchedule *schedule,
                                  GError **error)
{
  const ScheduleEdit edit = { id, schedule };

  return change_both (domain, edit_schedule, &edit, error);
}
