// SPDX-License-Identifier: LGPL-2.1-or-later
// What a notification says. Loaded with the first one that is shown.

/** @import { BackupNotification } from './types' */

import { t } from './i18n.js';
import { reasonWords } from './words.js';

/** What went wrong, and with which backup, where there is one. @param {string | null} backup @param {string} why */
const about = (backup, why) => (backup ? t('“{backup}”: {reason}', { backup, reason: why }) : why);

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
      return { title: t('Backup Failed'), body: about(name, why), tone: 'red' };
    case 'restore_failed':
      return { title: t('Restore Failed'), body: t('The VPS is as it was before. {reason}', { reason: about(name, why) }), tone: 'red' };
    case 'undo_completed':
      return { title: t('Restore Undone'), body: t('The VPS is back as it was before “{backup}” was restored.', { backup }), tone: 'green' };
    case 'undo_failed':
      return { title: t('Undo Failed'), body: t('The VPS is as it was before. {reason}', { reason: why }), tone: 'red' };
    case 'schedule_skipped':
      return { title: t('Scheduled backup skipped'), body: t('No backup was made at the scheduled time. {reason}', { reason: why }), tone: 'amber' };
    case 'backup_damaged': // administrators only
      return { title: t('Backup Damaged'), body: about(name, why), tone: 'red' };
    case 'journal_lost': // administrators only
      return { title: t('Journal Lost'), body: t('The service has lost its journal. Run “vps-backupctl doctor” on the host.'), tone: 'red' };
    case 'restore_unfinished': // administrators only
      return { title: t('Restore Unfinished'), body: t('This VPS has half a disk and does not start. Restore it again.'), tone: 'red' };
    default:
      return { title: t('No progress'), body: t('“{backup}” has made no progress for a long time. Please contact support.', { backup }), tone: 'amber' };
  }
}
