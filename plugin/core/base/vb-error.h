/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VB_ERROR:
 *
 * The error domain of vps-backup. There is one code for each reason of the protocol, so that an
 * error found in any layer reaches the client with its reason.
 */
#define VB_ERROR (vb_error_quark ())

/**
 * VbError:
 * @VB_ERROR_INVALID_ARGUMENT: not a protocol reason: the bridge answers "invalid params" (-32602).
 *
 * All others carry the reason of the same name, see vb_error_reason().
 */
typedef enum
{
  VB_ERROR_INTERNAL,
  VB_ERROR_NOT_FOUND,
  VB_ERROR_FORBIDDEN,
  VB_ERROR_SLOTS_FULL,
  VB_ERROR_SLOTS_IN_USE,
  VB_ERROR_OPERATION_RUNNING,
  VB_ERROR_BACKUP_NOT_READY,
  VB_ERROR_POOL_UNAVAILABLE,
  VB_ERROR_INSUFFICIENT_SPACE,
  VB_ERROR_UNSUPPORTED_DISK,
  VB_ERROR_DISK_MISSING,
  VB_ERROR_DISK_BUSY,
  VB_ERROR_DISK_UNAVAILABLE,
  VB_ERROR_DISK_TOO_LARGE,
  VB_ERROR_DEFINITION_DIFFERS,
  VB_ERROR_HYPERVISOR_UNAVAILABLE,
  VB_ERROR_JOURNAL_UNAVAILABLE,
  VB_ERROR_CHECKSUM_MISMATCH,
  VB_ERROR_TOO_LATE,
  VB_ERROR_TOO_BUSY,
  VB_ERROR_CANCELLED,
  VB_ERROR_INTERRUPTED,
  VB_ERROR_RATE_LIMITED,
  VB_ERROR_INVALID_ARGUMENT,
} VbError;

GQuark vb_error_quark (void);

/**
 * vb_error_reason:
 * @code: a #VbError
 *
 * Returns: (transfer none): the reason as the protocol spells it, such as "slots_full"
 */
const char *vb_error_reason (int code);

/**
 * vb_error_code_of:
 * @error: an error of any domain
 *
 * Returns: the #VbError that stands for @error: its own code in our domain, %VB_ERROR_CANCELLED for
 *   %G_IO_ERROR_CANCELLED, %VB_ERROR_INSUFFICIENT_SPACE for %G_IO_ERROR_NO_SPACE, else
 *   %VB_ERROR_INTERNAL
 */
VbError vb_error_code_of (const GError *error);

/**
 * vb_error_code_from_reason:
 * @reason: (nullable): a reason as the protocol spells it
 *
 * Returns: its code, or %VB_ERROR_INTERNAL when @reason is not known
 */
VbError vb_error_code_from_reason (const char *reason);

/**
 * vb_error_public_message:
 * @code: a #VbError
 *
 * What a customer may read: nothing in it names paths or other customers.
 *
 * Returns: (transfer none): one plain translated sentence that says what to do
 */
const char *vb_error_public_message (int code);

/** vb_error_set_public: sets a #VB_ERROR whose message is vb_error_public_message() of @code */
void vb_error_set_public (GError **error, VbError code);

/**
 * vb_error_set_errno:
 * @error: (out) (optional): where to put the error
 * @errno_value: an errno
 * @format: printf format of what we were doing, such as "Failed to create the folder %s"
 *
 * Sets a #VB_ERROR from an errno: ENOSPC and EDQUOT become %VB_ERROR_INSUFFICIENT_SPACE, EFBIG
 * %VB_ERROR_DISK_TOO_LARGE, all others %VB_ERROR_INTERNAL; the text of the errno is appended.
 */
void vb_error_set_errno (GError **error, int errno_value, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

G_END_DECLS
