/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_log:
 * @level: severity
 * @vps: (nullable): UUID of the VPS that the line is about
 * @operation: (nullable): id of the operation
 * @backup: (nullable): id of the backup
 * @format: printf format of the message
 *
 * Writes one structured log line with the journal fields `VPS`, `OPERATION` and `BACKUP` where
 * given. Never pass tokens or keys. Any thread.
 */
void vb_log (GLogLevelFlags level,
             const char *vps,
             const char *operation,
             const char *backup,
             const char *format,
             ...) G_GNUC_PRINTF (5, 6);

/**
 * VbLogField:
 * @key: name of a journal field
 * @value: (nullable): its text; %NULL leaves it out
 */
typedef struct
{
  const char *key;
  const char *value;
} VbLogField;

/** vb_log_fields: the same with any fields; for what is not about an operation */
void
vb_log_fields (GLogLevelFlags level, const VbLogField *given, gsize n_given, const char *message);

#define vb_log_info(vps, operation, backup, ...)                                                   \
  vb_log (G_LOG_LEVEL_INFO, vps, operation, backup, __VA_ARGS__)
#define vb_log_warning(vps, operation, backup, ...)                                                \
  vb_log (G_LOG_LEVEL_WARNING, vps, operation, backup, __VA_ARGS__)
#define vb_log_debug(vps, operation, backup, ...)                                                  \
  vb_log (G_LOG_LEVEL_DEBUG, vps, operation, backup, __VA_ARGS__)

G_END_DECLS
