/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-backup.h"

#include <string.h>

#include "core/base/vb-error.h"

#define END_DEADLINE_S 60
#define ABORT_INTERVAL_S 1
#define POLL_US (5 * 1000)

gboolean
vb_libvirt_backup_is_running (virDomainPtr domain,
                              const char *operation,
                              gboolean *running,
                              GError **error)
{
  char *xml = virDomainBackupGetXMLDesc (domain, 0);

  if (xml == NULL && vb_libvirt_last_is_connection ())
    {
      vb_libvirt_set_error (error, "Failed to ask for the backup job");
      return FALSE;
    }
  /* Its socket and its scratch files carry the operation's id. */
  *running = xml != NULL && (operation == NULL || strstr (xml, operation) != NULL);
  free (xml);
  return TRUE;
}

/* The answer does not say much: a job ends asynchronously, and may end by itself before. */
static gboolean
ask_to_end (virDomainPtr domain, GError **error)
{
  if (virDomainAbortJob (domain) == 0 || !vb_libvirt_last_is_connection ())
    return TRUE;
  vb_libvirt_set_error (error, "Failed to end the backup job");
  return FALSE;
}

gboolean
vb_libvirt_backup_abort (virDomainPtr domain, const char *operation, GError **error)
{
  gint64 started = g_get_monotonic_time ();
  gint64 next = started;

  while (TRUE)
    {
      gint64 now = g_get_monotonic_time ();
      gboolean running;

      if (!vb_libvirt_backup_is_running (domain, operation, &running, error))
        return FALSE;
      if (!running)
        return TRUE;
      if (now > started + END_DEADLINE_S * G_TIME_SPAN_SECOND)
        break;
      if (now >= next && !ask_to_end (domain, error))
        return FALSE;
      if (now >= next)
        next = now + ABORT_INTERVAL_S * G_TIME_SPAN_SECOND;
      g_usleep (POLL_US);
    }
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "The backup job has not ended in %d s",
               END_DEADLINE_S);
  return FALSE;
}
