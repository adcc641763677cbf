// SPDX-License-Identifier: LGPL-2.1-or-later
// The protocol's words in the reader's: states, reasons.

/** @import { Backup, Operation, PowerAction, Vps } from './types' */
/** @import { IconName } from './dom.js' */

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
  slots_in_use: () => t('These slots hold backups. Delete some first.'),
  operation_running: () => t('Another backup or restore is running. Wait until it has finished.'),
  backup_not_ready: () => t('This backup is still being created. Wait until it is complete, or stop it.'),
  pool_unavailable: () => t('The backup storage cannot be reached right now. Try again later; if it lasts, contact support.'),
  insufficient_space: () => t('The backup storage has too little free space. Contact support.'),
  unsupported_disk: () => t('A disk of this VPS cannot be backed up. Contact support.'),
  disk_missing: () => t('A disk that this backup holds is no longer part of the VPS. Contact support.'),
  disk_busy: () => t('A disk of this VPS is being copied or moved at the moment; try again when that is done.'),
  disk_unavailable: () => t('A disk of this VPS does not answer at the moment; please call support.'),
  disk_too_large: () => t('A disk of this VPS is larger than a file in the storage can be; please call support.'),
  definition_differs: () => t('The VPS would start with other disks than it has now; please call support.'),
  journal_unavailable: () => t('The host cannot record operations at the moment; please try again later.'),
  hypervisor_unavailable: () => t('The host cannot be reached right now. Try again in a few minutes.'),
  checksum_mismatch: () => t('This backup is damaged, so it was not used. Restore another one, and contact support.'),
  too_late: () => t('It is almost done and can no longer be stopped. Wait until it has finished.'),
  cancelled: () => t('It was cancelled. Start it again when you want to.'),
  interrupted: () => t('It was interrupted by a restart of the service. Start it again.'),
  too_busy: () => t('Too much of this is under way at the moment; please try again in a few minutes.'),
  rate_limited: () => t('Too many requests at once. Wait a moment and try again.'),
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
    return t('The connection was lost before the server answered. This page will show the result.');
  return reasonWords(error instanceof RpcError ? error.reason : 'internal');
}

/** @param {Backup} backup @param {Operation | null} operation that works on it */
export function backupWord(backup, operation) {
  if (backup.state === 'available') return backup.damaged ? t('Damaged') : t('Available');
  if (operation?.state === 'queued') return t('Waiting for its turn');
  if (operation?.first_backup) return t('Backing up the present state');
  if (operation?.state === 'preparing') return t('Preparing');
  if (operation?.state === 'finishing') return t('Finishing');
  return backup.state === 'restoring' ? t('Restoring') : t('Creating');
}

/** What an operation does. @param {Operation} operation */
export function operationWord({ kind, state }) {
  if (state === 'queued') return t('Waiting for its turn');
  return kind === 'create' ? t('Creating Backup') : kind === 'restore' ? t('Restoring Backup') : t('Undoing the restore');
}

/** @type {Record<Operation['kind'], {completed: () => string, failed: () => string, cancelled: () => string, icon: IconName, tone: string}>} */
const OUTCOMES = {
  create: { completed: () => t('Backup Completed'), failed: () => t('Backup Failed'), cancelled: () => t('Backup stopped'), icon: 'archive', tone: 'amber' },
  restore: { completed: () => t('Restore Completed'), failed: () => t('Restore Failed'), cancelled: () => t('Restore stopped'), icon: 'restore', tone: 'blue' },
  undo: { completed: () => t('Restore Undone'), failed: () => t('Undo Failed'), cancelled: () => t('Undo stopped'), icon: 'undo', tone: 'blue' },
};

/** What has become of an operation. @param {Operation} operation @returns {{title: string, tone: string, icon: IconName}} */
export function operationOutcome(operation) {
  const words = OUTCOMES[operation.kind] ?? OUTCOMES.create;
  const { state } = operation;
  if (state !== 'completed' && state !== 'failed' && state !== 'cancelled') return { title: operationWord(operation), tone: words.tone, icon: words.icon };
  return { title: words[state](), tone: { completed: 'green', failed: 'red', cancelled: '' }[state], icon: state === 'failed' ? 'warning' : words.icon };
}

/** Why no backup can be created. @param {Vps} vps */
export function createReason({ can_create: { reason }, status, slots }) {
  if (reason === 'slots_full' && !slots.total) return t('This VPS has no backup slots.');
  if (reason !== 'operation_running') return reasonWords(reason);
  return status === 'restoring_backup'
    ? t('A backup is being restored. You can create the next one when that has finished.')
    : t('A backup is being created. You can create the next one when that has finished.');
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
