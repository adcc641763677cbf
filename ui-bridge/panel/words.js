// SPDX-License-Identifier: LGPL-2.1-or-later
// The protocol's words in the reader's: states, reasons.

/** @import { Backup, Operation, PowerAction, Vps } from './types' */

import { ConnectionLost, RpcError } from './transport.js';
import { t } from './i18n.js';

/** @type {Record<string, () => string>} */
const STATUSES = {
  running: () => t('Running'),
  stopped: () => t('Stopped'),
  paused: () => t('Paused'),
  crashed: () => t('Crashed'),
  creating_backup: () => t('Creating Backup'),
  restoring_backup: () => t('Restoring Backup'),
};

/** What is the matter, and what to do about it. @type {Record<string, () => string>} */
const REASONS = {
  not_found: () => t('This no longer exists. It may have been deleted in another window.'),
  forbidden: () => t('You are not allowed to do this. Ask the owner of this VPS.'),
  slots_full: () => t('All backup slots are in use. Delete a backup or add slots.'),
  slots_in_use: () => t('These slots are in use. Delete backups first.'),
  operation_running: () => t('Another backup or restore is running. Wait until it has finished.'),
  backup_not_ready: () => t('This backup is still being made. Wait until it is complete, or cancel it.'),
  pool_unavailable: () => t('The backup storage cannot be reached right now. Try again later; if it lasts, contact support.'),
  insufficient_space: () => t('The backup storage has too little free space. Contact support.'),
  unsupported_disk: () => t('A disk of this VPS cannot be backed up. Contact support.'),
  disk_missing: () => t('A disk that this backup holds is no longer part of the VPS. Contact support.'),
  hypervisor_unavailable: () => t('The host cannot be reached right now. Try again in a few minutes.'),
  checksum_mismatch: () => t('This backup is damaged, so it was not used. Restore another one, and contact support.'),
  too_late: () => t('It is almost done and can no longer be cancelled. Wait until it has finished.'),
  cancelled: () => t('It was cancelled. Start it again when you want to.'),
  interrupted: () => t('It was interrupted by a restart of the service. Start it again.'),
  rate_limited: () => t('That was too much at once. Wait a moment and try again.'),
  invalid_params: () => t('This was not accepted. Check what you have entered, or reload the page.'),
  internal: () => t('Something went wrong on the server. Try again; if it happens again, contact support.'),
};

/** @param {string} status */
export const statusWord = (status) => STATUSES[status]?.() ?? status;

/** @param {string | null | undefined} reason */
export const reasonWords = (reason) => (REASONS[reason ?? 'internal'] ?? REASONS.internal)();

/** @param {unknown} error what an action of the store was rejected with */
export function errorWords(error) {
  if (error instanceof ConnectionLost)
    return t('The connection was lost before the server answered. The page will show what has become of it.');
  return reasonWords(error instanceof RpcError ? error.reason : 'internal');
}

/** @param {Backup} backup @param {Operation | null} operation that works on it */
export function backupWord(backup, operation) {
  if (backup.state === 'available') return t('Available');
  if (operation?.state === 'queued') return t('Waiting for its turn');
  if (operation?.state === 'preparing') return t('Preparing');
  if (operation?.state === 'finishing') return t('Finishing');
  return backup.state === 'restoring' ? t('Restoring') : t('Creating');
}

/** Why nothing may be done while an operation runs. @param {Vps} vps */
export const lockedWords = (vps) =>
  vps.status === 'restoring_backup'
    ? t('Locked until the restore has finished.')
    : t('Locked until the backup has finished.');

/** Why a power button is of no use although nothing runs. @param {Vps} vps @param {PowerAction} action */
export function powerlessWords({ can_create: { reason } }, action) {
  if (reason === 'hypervisor_unavailable') return reasonWords(reason);
  return action === 'start' ? t('The VPS is already running.') : t('The VPS is not running.');
}
