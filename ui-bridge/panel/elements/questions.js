// SPDX-License-Identifier: LGPL-2.1-or-later
// What is asked before something happens. Loaded when somebody is at the page.

/** @import { Backup, PowerAction } from '../types' */
/** @import { BackupElement } from './base.js' */
/** @import { Place } from './row.js' */

import { attempt } from './base.js';
import { adopt, ask, checkbox, fields } from './dialog.js';
import { button, h, text } from '../dom.js';
import { count, date, ownZone, size } from '../format.js';
import { t } from '../i18n.js';

const NAME_LENGTH = 64;
const MAX_KEEP = 99;

/** @param {BackupElement} host */
export function create({ root, store, data, vps }) {
  if (!store || !data) return;
  const { used, total } = data.slots;
  ask(root, {
    title: t('Create a backup?'),
    body: [
      data.power === 'stopped'
        ? t('All disks of {name} are copied as they are now. The VPS stays off; power actions are locked until the backup has finished.', { name: data.name })
        : t('All disks of {name} are copied as they are now. The VPS keeps running; power actions are locked until the backup has finished.', { name: data.name }),
      h(
        'label',
        {},
        t('Name (optional)'),
        h('input', { name: 'name', maxlength: NAME_LENGTH, autocomplete: 'off', placeholder: t('For example: before the update') }),
      ),
      h('p', { class: 'muted small' }, t('Uses {number} of {total} slots.', { number: count(used + 1), total: count(total) })),
    ],
    confirm: t('Create Backup'),
    // The service would name it by a clock that need not be the reader's.
    act: (form) => store.create(vps, String(form.get('name')).trim() || date(new Date().toISOString())),
  });
}

/** @param {BackupElement} host @param {Backup} backup */
export function restore({ root, store, data, vps }, backup) {
  if (!store || !data) return;
  const running = data.power === 'running' || data.power === 'paused';
  ask(root, {
    title: t('Restore “{backup}”?', { backup: backup.name }),
    body: [
      t('{name} goes back to {date}. Everything that was written to its disks since then is lost: files, databases, settings.', {
        name: data.name,
        date: date(backup.created_at),
      }),
      running
        ? t('The VPS keeps running while the copy is prepared, stops for the exchange, and starts again.')
        : t('The VPS stays off. Start it when the restore has finished.'),
      ...(running ? [checkbox('stop', t('Stop the VPS right away'), t('Nothing is written any more that the restore would undo.'))] : []),
    ],
    confirm: t('Restore'),
    danger: true,
    act: (form) => store.restore(vps, backup.id, form.has('stop')),
  });
}

/** @param {BackupElement} host @param {Backup} backup */
export function remove(host, { id, name, created_at: created, size_bytes: bytes }) {
  const { root, store, vps } = host;
  if (!store) return;
  ask(root, {
    title: t('Delete “{backup}”?', { backup: name }),
    body: [
      bytes === null
        ? t('The backup of {date} cannot be brought back.', { date: date(created) })
        : t('The backup of {date} ({size}) cannot be brought back. Your other backups are not touched.', { date: date(created), size: size(bytes) }),
    ],
    confirm: t('Delete'),
    danger: true,
    act: async () => {
      await store.delete(vps, id);
      // Its button is gone, and with it the place where the focus was.
      requestAnimationFrame(() => host.focus());
    },
  });
}

/** @param {BackupElement} host @param {Backup} backup */
export function cancel({ root, store, data, vps }, backup) {
  const operation = data?.operation;
  if (!store || !operation) return;
  const creating = operation.kind === 'create';
  ask(root, {
    title: creating ? t('Stop this backup?') : t('Stop this restore?'),
    body: [creating ? t('What has been copied of “{backup}” is discarded, and its slot is free again.', { backup: backup.name }) : t('The VPS stays as it is now.')],
    confirm: creating ? t('Stop the backup') : t('Stop the restore'),
    dismiss: t('Keep going'),
    act: () => store.cancel(vps, operation.id),
  });
}

/** In place. @param {BackupElement} host @param {Backup} backup @param {Place} place */
export function rename({ root, store, vps }, { id, name }, { title, error, done }) {
  adopt(root, fields);
  const input = h('input', { name: 'name', maxlength: NAME_LENGTH, required: true, autocomplete: 'off', 'aria-label': t('Name'), value: name });
  const save = h('button', { class: 'primary' }, t('Save'));
  const form = h('form', { novalidate: true }, input, save, button({}, done, t('Cancel')));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wanted = input.value.trim();
    if (!wanted) return input.focus();
    const failure = wanted === name ? '' : await attempt(save, () => store?.rename(vps, id, wanted));
    if (!form.isConnected) return;
    if (!failure) return done();
    text(error, failure);
    input.focus();
  });
  form.addEventListener('keydown', ({ key }) => key === 'Escape' && done());
  title.replaceChildren(form);
  input.select();
}

/** @param {BackupElement} host @param {PowerAction} action */
export function power({ root, store, data, vps }, action) {
  if (!store || !data) return;
  const stop = action === 'stop';
  ask(root, {
    title: stop ? t('Stop {name}?', { name: data.name }) : t('Restart {name}?', { name: data.name }),
    body: [
      stop
        ? t('The system is asked to shut down. Its services are not available until you start it again.')
        : t('The system is asked to reboot. Its services are not available for a short while.'),
      checkbox('force', t('Force it'), t('For a system that does not answer. Unsaved data is lost.')),
    ],
    confirm: stop ? t('Stop') : t('Restart'),
    danger: true,
    act: (form) => store.power(vps, action, form.has('force')),
  });
}

/** @param {string} label @param {Element} field */
const labelled = (label, field) => h('label', {}, label, field);

/** @param {string} chosen */
function zoneField(chosen) {
  const zones = [...new Set([chosen, ownZone(), 'UTC'])];
  return h('select', { name: 'zone' }, ...zones.map((zone) => h('option', { value: zone, selected: zone === chosen }, zone)));
}

/** When backups are made by themselves. @param {BackupElement} host */
export function schedule({ root, store, data, vps }) {
  if (!store || !data) return;
  const { at = '03:30', keep = Math.max(1, data.slots.total - 1), zone = ownZone(), jitter_minutes: jitter = 0 } = data.schedule ?? {};
  const fields = [
    labelled(t('Time of day'), h('input', { type: 'time', name: 'at', required: true, value: at })),
    labelled(t('Time zone'), zoneField(zone)),
    labelled(t('Backups to keep'), h('input', { type: 'number', name: 'keep', required: true, min: 1, max: MAX_KEEP, value: keep })),
  ];
  if (data.schedule) fields.push(checkbox('off', t('Turn off'), t('No more are made. Those that are there stay.')));
  ask(root, {
    title: t('Scheduled backups'),
    body: [
      t('A backup is made every day. When it is complete, older scheduled ones that are not to be kept are deleted. Protected backups, and those that you have made yourself, stay.'),
      ...fields,
    ],
    confirm: t('Save'),
    act: (form) => {
      const wanted = { at: String(form.get('at')), keep: Number(form.get('keep')), zone: String(form.get('zone')), jitter_minutes: jitter };
      return store.setSchedule(vps, form.has('off') ? null : wanted);
    },
  });
}
