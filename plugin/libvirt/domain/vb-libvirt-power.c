/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-power.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define OFF_DEADLINE_S 60

static gboolean
done (int result, const char *doing, GError **error)
{
  if (result < 0)
    {
      vb_libvirt_set_error (error, "%s", doing);
      return FALSE;
    }
  return TRUE;
}

/* A command that loses the race against the VPS's own change of state has got what it wanted. */
static gboolean
done_or_off (virDomainPtr domain, int result, const char *doing, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (done (result, doing, &local))
    return TRUE;
  if (virDomainIsActive (domain) == 0)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
resume (virDomainPtr domain, GError **error)
{
  int state = VIR_DOMAIN_NOSTATE;

  virDomainGetState (domain, &state, NULL, 0);
  if (state == VIR_DOMAIN_PMSUSPENDED)
    return done (virDomainPMWakeup (domain, 0), "Failed to wake up the VPS", error);
  return done (virDomainResume (domain), "Failed to resume the VPS", error);
}

static gboolean
start (virDomainPtr domain, VbPower power, gboolean active, GError **error)
{
  if (power == VB_POWER_PAUSED)
    return resume (domain, error);
  if (power == VB_POWER_CRASHED && active)
    {
      if (!done_or_off (domain, virDomainDestroy (domain),
                        "Failed to cut the power of the crashed VPS", error))
        return FALSE;
      active = FALSE;
    }
  return active || done (virDomainCreate (domain), "Failed to start the VPS", error);
}

static gboolean
stop (virDomainPtr domain, gboolean active, gboolean force, GError **error)
{
  if (!active)
    return TRUE;
  if (force)
    return done_or_off (domain, virDomainDestroy (domain), "Failed to cut the power of the VPS",
                        error);
  return done_or_off (domain, virDomainShutdown (domain), "Failed to ask the VPS to shut down",
                      error);
}

static gboolean
restart (virDomainPtr domain, gboolean active, gboolean force, GError **error)
{
  if (!active)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                           _ ("The VPS is not running; start it instead of restarting it."));
      return FALSE;
    }
  if (force)
    return done (virDomainReset (domain, 0), "Failed to reset the VPS", error);
  return done (virDomainReboot (domain, 0), "Failed to ask the VPS to reboot", error);
}

gboolean
vb_libvirt_power_do (virDomainPtr domain, VbPowerAction action, gboolean force, GError **error)
{
  VbPower power;
  gboolean active;

  if (!vb_libvirt_get_power (domain, &power, error)
      || !vb_libvirt_is_active (domain, &active, error))
    return FALSE;
  switch (action)
    {
    case VB_POWER_ACTION_START:
      return start (domain, power, active, error);
    case VB_POWER_ACTION_STOP:
      return stop (domain, active, force, error);
    default:
      return restart (domain, active, force, error);
    }
}

static gboolean
wait_until_off (virDomainPtr domain, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + OFF_DEADLINE_S * G_TIME_SPAN_SECOND;
  gboolean active = TRUE;

  while (TRUE)
    {
      if (!vb_libvirt_is_active (domain, &active, error))
        return FALSE;
      if (!active)
        return TRUE;
      if (g_get_monotonic_time () > deadline)
        break;
      g_usleep (20 * 1000);
    }
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
               "The VPS is still on %d s after its power was cut", OFF_DEADLINE_S);
  return FALSE;
}

/* Off here because it runs on another host now: there are its disks in use, and here it must
 * neither lose them nor be started. */
static gboolean
check_here (virDomainPtr domain, GError **error)
{
  int state;
  int reason;

  if (!done (virDomainGetState (domain, &state, &reason, 0), "Failed to read the state of the VPS",
             error))
    return FALSE;
  if (state != VIR_DOMAIN_SHUTOFF || reason != VIR_DOMAIN_SHUTOFF_MIGRATED)
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERRUPTED, "The VPS was moved to another host");
  return FALSE;
}

gboolean
vb_libvirt_power_off (virDomainPtr domain, VbPower *was, GError **error)
{
  VbPower power;
  gboolean active;

  if (!vb_libvirt_get_power (domain, &power, error)
      || !vb_libvirt_is_active (domain, &active, error))
    return FALSE;
  if (was != NULL)
    *was = power;
  if (!active)
    return check_here (domain, error);
  if (virDomainIsPersistent (domain) == 0)
    {
      g_set_error_literal (
          error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
          _ ("The VPS has no permanent definition, so its disks cannot be replaced; "
             "define it permanently first."));
      return FALSE;
    }
  if (!done_or_off (domain, virDomainDestroy (domain), "Failed to cut the power of the VPS", error))
    return FALSE;
  return wait_until_off (domain, error) && check_here (domain, error);
}

gboolean
vb_libvirt_power_restore (virDomainPtr domain, VbPower power, GError **error)
{
  unsigned int flags = power == VB_POWER_PAUSED ? VIR_DOMAIN_START_PAUSED : 0;
  g_autoptr (GError) local = NULL;

  if (power != VB_POWER_RUNNING && power != VB_POWER_PAUSED)
    return TRUE;
  if (!check_here (domain, error))
    return FALSE;
  if (done (virDomainCreateWithFlags (domain, flags), "Failed to start the VPS", &local))
    return TRUE;
  if (virDomainIsActive (domain) > 0)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}
