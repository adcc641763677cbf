/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-error.h"

#include <errno.h>
#include <gio/gio.h>

#include "vb-i18n.h"

static const struct
{
  VbError code;
  const char *reason;
  const char *message;
} table[] = {
  { VB_ERROR_INTERNAL, "internal",
    N_ ("Something went wrong on our side; please try again or call support.") },
  { VB_ERROR_NOT_FOUND, "not_found",
    N_ ("This does not exist any more; reload the page to see what is there.") },
  { VB_ERROR_FORBIDDEN, "forbidden",
    N_ ("You are not allowed to do this; ask the owner of the VPS for the right.") },
  { VB_ERROR_SLOTS_FULL, "slots_full",
    N_ ("All backup slots are in use; delete a backup or add slots first.") },
  { VB_ERROR_SLOTS_IN_USE, "slots_in_use",
    N_ ("More slots are in use than you want to keep; delete backups first.") },
  { VB_ERROR_OPERATION_RUNNING, "operation_running",
    N_ ("A backup operation is running on this VPS; wait until it has finished.") },
  { VB_ERROR_BACKUP_NOT_READY, "backup_not_ready",
    N_ ("This backup is not complete yet; wait until it has finished.") },
  { VB_ERROR_POOL_UNAVAILABLE, "pool_unavailable",
    N_ ("The backup storage cannot be reached at the moment; please try again later.") },
  { VB_ERROR_INSUFFICIENT_SPACE, "insufficient_space",
    N_ ("There is not enough storage space for this at the moment; please call support.") },
  { VB_ERROR_UNSUPPORTED_DISK, "unsupported_disk",
    N_ ("This VPS has a disk or device that cannot be backed up; please call support.") },
  { VB_ERROR_DISK_MISSING, "disk_missing",
    N_ ("The VPS lacks a disk that this backup holds; add the disk again or call support.") },
  { VB_ERROR_DISK_BUSY, "disk_busy",
    N_ ("A disk of this VPS is being copied or moved at the moment; try again when that is "
        "done.") },
  { VB_ERROR_DISK_UNAVAILABLE, "disk_unavailable",
    N_ ("A disk of this VPS does not answer at the moment; please call support.") },
  { VB_ERROR_DISK_TOO_LARGE, "disk_too_large",
    N_ ("A disk of this VPS is larger than a file in the storage can be; please call support.") },
  { VB_ERROR_DEFINITION_DIFFERS, "definition_differs",
    N_ ("The VPS would start with other disks than it has now; please call support.") },
  { VB_ERROR_HYPERVISOR_UNAVAILABLE, "hypervisor_unavailable",
    N_ ("The host of this VPS does not answer at the moment; please try again later.") },
  { VB_ERROR_JOURNAL_UNAVAILABLE, "journal_unavailable",
    N_ ("The host cannot record operations at the moment; please try again later.") },
  { VB_ERROR_CHECKSUM_MISMATCH, "checksum_mismatch",
    N_ ("This backup is damaged and was not used; restore another one or call support.") },
  { VB_ERROR_TOO_LATE, "too_late",
    N_ ("It is too late to cancel; wait until the operation has finished.") },
  { VB_ERROR_TOO_BUSY, "too_busy",
    N_ ("Too much of this is under way at the moment; please try again in a few minutes.") },
  { VB_ERROR_CANCELLED, "cancelled",
    N_ ("The operation was cancelled; start it again when you want to.") },
  { VB_ERROR_INTERRUPTED, "interrupted",
    N_ ("The operation was interrupted and nothing was changed; please start it again.") },
  { VB_ERROR_RATE_LIMITED, "rate_limited",
    N_ ("Too many requests in a short time; wait a moment.") },
  { VB_ERROR_INVALID_ARGUMENT, "invalid_params",
    N_ ("The request is not valid; check what you have entered.") },
};

G_DEFINE_QUARK (vb - error - quark, vb_error)

static gsize
find_row (int code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    if ((int) table[i].code == code)
      return i;
  return 0;
}

const char *
vb_error_reason (int code)
{
  return table[find_row (code)].reason;
}

const char *
vb_error_public_message (int code)
{
  return _ (table[find_row (code)].message);
}

VbError
vb_error_code_from_reason (const char *reason)
{
  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    if (g_strcmp0 (table[i].reason, reason) == 0)
      return table[i].code;
  return VB_ERROR_INTERNAL;
}

VbError
vb_error_code_of (const GError *error)
{
  if (error == NULL)
    return VB_ERROR_INTERNAL;
  if (error->domain == VB_ERROR)
    return (VbError) error->code;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return VB_ERROR_CANCELLED;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return VB_ERROR_INSUFFICIENT_SPACE;
  return VB_ERROR_INTERNAL;
}

void
vb_error_set_public (GError **error, VbError code)
{
  g_set_error_literal (error, VB_ERROR, code, vb_error_public_message (code));
}

void
vb_error_set_errno (GError **error, int errno_value, const char *format, ...)
{
  VbError code = VB_ERROR_INTERNAL;
  if (errno_value == ENOSPC || errno_value == EDQUOT)
    code = VB_ERROR_INSUFFICIENT_SPACE;
  else if (errno_value == EFBIG)
    code = VB_ERROR_DISK_TOO_LARGE;

  va_list args;
  va_start (args, format);
  g_autofree char *doing = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VB_ERROR, code, "%s: %s", doing, g_strerror (errno_value));
}
