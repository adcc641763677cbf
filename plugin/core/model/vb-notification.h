/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef enum
{
  VB_NOTIFICATION_BACKUP_COMPLETED,
  VB_NOTIFICATION_BACKUP_FAILED,
  VB_NOTIFICATION_RESTORE_COMPLETED,
  VB_NOTIFICATION_RESTORE_FAILED,
  VB_NOTIFICATION_OPERATION_STALLED,
  VB_NOTIFICATION_SCHEDULE_SKIPPED,
  VB_NOTIFICATION_BACKUP_DAMAGED,     /* for administrators only, as the two below */
  VB_NOTIFICATION_JOURNAL_LOST,       /* of the host: vps is VB_NOTIFICATION_HOST */
  VB_NOTIFICATION_RESTORE_UNFINISHED, /* and nothing can finish it */
  VB_NOTIFICATION_UNDO_COMPLETED,
  VB_NOTIFICATION_UNDO_FAILED,
} VbNotificationType;

/** VB_NOTIFICATION_HOST: stands for the VPS where it is about the host */
#define VB_NOTIFICATION_HOST "00000000-0000-0000-0000-000000000000"

const char *vb_notification_type_to_string (VbNotificationType type);
/** vb_notification_type_is_for_admins: whether customers do not hear of it */
gboolean vb_notification_type_is_for_admins (VbNotificationType type);
gboolean vb_notification_type_from_string (const char *text, VbNotificationType *type);

/**
 * VbNotification:
 * @id: increasing integer given by the journal, 0 before
 * @type: what happened
 * @vps: UUID
 * @vps_name: its name at that time
 * @backup: (nullable): id of the backup; %NULL when a schedule was skipped, as there is none
 * @backup_name: (nullable): its name
 * @operation: (nullable): id of the operation, or of the check that found a backup damaged
 * @reason: (nullable): reason of a failure, as the protocol spells it
 * @created_at: UTC
 * @read: whether the subject that asked has marked it read
 *
 * One stored notification. Plain data that may be passed between threads.
 */
typedef struct
{
  gint64 id;
  VbNotificationType type;
  char *vps;
  char *vps_name;
  char *backup;
  char *backup_name;
  char *operation;
  char *reason;
  GDateTime *created_at;
  gboolean read;
} VbNotification;

#define VB_TYPE_NOTIFICATION (vb_notification_get_type ())
GType vb_notification_get_type (void);
VbNotification *vb_notification_new (void);
VbNotification *vb_notification_copy (const VbNotification *self);
void vb_notification_free (VbNotification *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbNotification, vb_notification_free)

G_END_DECLS
