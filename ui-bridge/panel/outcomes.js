// SPDX-License-Identifier: LGPL-2.1-or-later
// What a notification says. Loaded with the first one that is shown.

/** @import { BackupNotification } from './types' */

import { t } from './i18n.js';
import { reasonWords } from './words.js';

/** @param {BackupNotification} notification */
export function notificationWords({ type, backup_name: name, reason }) {
  const backup = name ?? '';
  const why = reason ? reasonWords(reason) : '';
  switch (type) {
    case 'backup_completed':
      return { title: t('Backup Completed'), body: t('“{backup}” is ready.', { backup }), tone: 'green' };
    case 'restore_completed':
      return { title: t('Restore Completed'), body: t('The VPS is back at “{backup}”.', { backup }), tone: 'green' };
    case 'backup_failed':
      return { title: t('Backup Failed'), body: why, tone: 'red' };
    case 'restore_failed':
      return { title: t('Restore Failed'), body: t('The VPS is as it was before. {reason}', { reason: why }), tone: 'red' };
    case 'schedule_skipped':
      return { title: t('Scheduled backup skipped'), body: t('No backup was made at the scheduled time. {reason}', { reason: why }), tone: 'amber' };
    case 'backup_damaged': // administrators only
      return { title: backup, body: why, tone: 'red' };
    default:
      return { title: t('No progress'), body: t('“{backup}” has made no progress for a long time. Please contact support.', { backup }), tone: 'amber' };
  }
}
