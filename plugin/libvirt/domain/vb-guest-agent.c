/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-guest-agent.h"

#include "core/base/vb-log.h"

#define THAW_TIMEOUT_S 5
#define THAW_LONGEST_PAUSE_S 30

typedef struct
{
  VbConnectionPool *gate;
  char *vps;
  char *operation;
} Thaw;

gboolean
vb_guest_agent_freeze (virDomainPtr domain, guint timeout_s, const char *operation)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);
  int frozen;

  /* Without this an agent that hangs would hold us for ever. */
  if (virDomainAgentSetResponseTimeout (domain, (int) timeout_s, 0) < 0)
    {
      vb_log_warning (vps, operation, NULL, "Not freezing the guest: failed to set a timeout: %s",
                      virGetLastErrorMessage ());
      return FALSE;
    }
  frozen = virDomainFSFreeze (domain, NULL, 0, 0);
  if (frozen < 0)
    vb_log_warning (vps, operation, NULL, "Failed to freeze the guest, continuing without: %s",
                    virGetLastErrorMessage ());
  return frozen > 0;
}

/* Whether asking again could help. */
static gboolean
may_still_be_frozen (virDomainPtr domain)
{
  int code = vb_libvirt_last_code ();

  return code != VIR_ERR_NO_DOMAIN && code != VIR_ERR_OPERATION_INVALID
         && virDomainIsActive (domain) != 0;
}

static gboolean
thaw_once (virDomainPtr domain)
{
  gboolean thawed;

  virDomainAgentSetResponseTimeout (domain, THAW_TIMEOUT_S, 0);
  thawed = virDomainFSThaw (domain, NULL, 0, 0) >= 0;
  if (thawed) /* back to libvirt's own, so that others' long agent commands are not cut short */
    virDomainAgentSetResponseTimeout (domain, VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, 0);
  return thawed;
}

/* Returns whether it is over, one way or the other. */
static gboolean
thaw_again (Thaw *thaw)
{
  g_autoptr (VbLibvirtLease) lease
      = vb_connection_pool_lease (thaw->gate, VB_LIBVIRT_NORMAL, THAW_LONGEST_PAUSE_S, NULL);
  g_autoptr (virDomain) domain = NULL;

  if (lease == NULL)
    return FALSE;
  domain = vb_libvirt_lease_lookup (lease, thaw->vps, NULL);
  if (domain == NULL)
    return !vb_libvirt_last_is_connection ();
  if (thaw_once (domain))
    {
      vb_log_info (thaw->vps, thaw->operation, NULL, "The guest has confirmed the thaw");
      return TRUE;
    }
  return !may_still_be_frozen (domain);
}

static gpointer
thaw_thread (gpointer data)
{
  Thaw *thaw = data;
  guint pause_s = 1;

  do
    {
      g_usleep (pause_s * G_USEC_PER_SEC);
      pause_s = MIN (pause_s * 2, THAW_LONGEST_PAUSE_S);
  } while (!thaw_again (thaw) && !vb_connection_pool_is_stopped (thaw->gate));
  vb_connection_pool_unref (thaw->gate);
  g_free (thaw->vps);
  g_free (thaw->operation);
  g_free (thaw);
  return NULL;
}

gboolean
vb_guest_agent_thaw (VbConnectionPool *gate, virDomainPtr domain, const char *operation)
{
  Thaw *thaw;

  if (thaw_once (domain))
    return TRUE;
  if (!may_still_be_frozen (domain))
    return FALSE;
  thaw = g_new0 (Thaw, 1);
  thaw->gate = vb_connection_pool_ref (gate);
  thaw->vps = vb_libvirt_get_uuid (domain);
  thaw->operation = g_strdup (operation);
  vb_log_warning (thaw->vps, operation, NULL,
                  "The guest has not confirmed the thaw; asking it again until it does");
  GThread *thread = g_thread_try_new ("vb-thaw", thaw_thread, thaw, NULL);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    thaw_thread (thaw); /* the guest comes first: this thread asks it */
  return FALSE;
}
