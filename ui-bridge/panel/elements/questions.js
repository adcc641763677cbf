// SPDX-License-Identifier: LGPL-2.1-or-later
// What is asked before something happens. Loaded when somebody is at the page.

/** @import { Backup, PowerAction, ScheduleEntry, Vps } from '../types' */
/** @import { BackupElement } from './base.js' */
/** @import { Place } from './row.js' */

import { attempt } from './base.js';
import { adopt, ask, checkbox, fields } from './dialog.js';
import { askSchedule } from './schedule-dialog.js';
import { button, h, icon, text } from '../dom.js';
import { count, date, size, span } from '../format.js';
import { t, tn } from '../i18n.js';

const NAME_LENGTH = 64;
const MINUTE_S = 60;

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

/** One of each, one after the other; the service queues what is too much at once. @param {BackupElement} host @param {Vps[]} all */
export function createAll({ root, store }, all) {
  if (!store || !all.length) return;
  ask(root, {
    title: tn('Back up {count} VPS now?', 'Back up {count} VPSs now?', all.length),
    body: [t('One backup of each is created and uses one slot. They run one after the other.'), h('p', { class: 'muted small name' }, all.map(({ name }) => name).join(', '))],
    confirm: t('Create Backups'),
    act: async () => {
      const name = date(new Date().toISOString());
      /** @type {unknown[]} */
      const refused = [];
      for (const { vps } of all) await store.create(vps, name).catch((error) => refused.push(error));
      if (refused.length) throw refused[0];
    },
  });
}

/** From where to where, and what lies between. @param {string} created RFC 3339 */
function journey(created) {
  const now = new Date();
  const lost = (now.getTime() - Date.parse(created)) / 1000;
  const place = (/** @type {string} */ label, /** @type {string} */ time, /** @type {string} */ note) =>
    h('span', {}, h('span', { class: 'muted small' }, label), h('strong', {}, time), h('span', { class: 'muted small' }, note));
  return h(
    'p',
    { class: 'journey' },
    place(t('Now'), date(now.toISOString()), ''),
    icon('chevron'),
    place(t('Back to'), date(created), lost >= MINUTE_S ? t('{duration} of changes are lost', { duration: span(lost) }) : ''),
  );
}

/** What cannot be taken back, or can. @param {string} title @param {string} words @param {boolean} danger */
const callout = (title, words, danger) =>
  h('p', { class: danger ? 'callout' : 'callout mild' }, icon(danger ? 'warning' : 'undo'), h('span', {}, h('strong', {}, title), ' ', words));

/** @param {BackupElement} host @param {Backup} backup */
export function restore({ root, store, data, vps }, backup) {
  if (!store || !data) return;
  const running = data.power === 'running' || data.power === 'paused';
  const options = [];
  if (store.offers('backup_first') && store.may('backup.create') && data.slots.used < data.slots.total)
    options.push(checkbox('backup_first', t('Back up the present state first'), t('Uses 1 free slot, and takes longer.')));
  if (running && store.offers('instant'))
    options.push(checkbox('instant', t('Instant restore'), t('The VPS is back within seconds. Until all its data is in place, its speed depends on the backup storage.')));
  if (running) options.push(checkbox('stop_first', t('Stop the VPS right away'), t('Nothing is written any more that the restore would undo.')));
  ask(root, {
    title: t('Restore “{backup}”?', { backup: backup.name }),
    body: [
      ...(backup.created_at ? [journey(backup.created_at)] : []),
      !store.offers('undo')
        ? callout(t('This cannot be undone.'), t('Everything that was written to the disks of {name} since then is lost: files, databases, settings.', { name: data.name }), true)
        : callout(t('You can undo this for a while.'), t('Everything that was written to the disks of {name} since then is gone after the restore, but the disks of today are kept for now.', { name: data.name }), false),
      running
        ? t('The VPS keeps running while the copy is prepared, stops for the exchange, and starts again.')
        : t('The VPS stays off. Start it when the restore has finished.'),
      ...options,
    ],
    confirm: t('Restore'),
    danger: true,
    act: (form) => store.restore(vps, backup.id, Object.fromEntries(['backup_first', 'instant', 'stop_first'].filter((name) => form.has(name)).map((name) => [name, true]))),
  });
}

/** @param {BackupElement} host */
export function undo({ root, store, data, vps }) {
  if (!store || !data?.undo) return;
  const { backup: id, restored_at: restored, until } = data.undo;
  const backup = data.backups.find((one) => one.id === id)?.name;
  ask(root, {
    title: t('Undo the restore?'),
    body: [
      backup
        ? t('{name} goes back to the disks that it had before “{backup}” was restored on {date}.', { name: data.name, backup, date: date(restored) })
        : t('{name} goes back to the disks that it had before the restore of {date}.', { name: data.name, date: date(restored) }),
      callout(t('This cannot be undone.'), t('Everything that was written since the restore is lost.'), true),
      h('p', { class: 'muted small' }, t('The disks from before are kept until {date}.', { date: date(until) })),
    ],
    confirm: t('Undo restore'),
    danger: true,
    act: () => store.undo(vps),
    other: { label: t('Discard them now'), act: () => store.discardUndo(vps) },
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
        ? t('The backup of {date} is deleted at once. This cannot be undone.', { date: date(created) })
        : t('The backup of {date} ({size}) is deleted at once. This cannot be undone. Your other backups are not touched.', { date: date(created), size: size(bytes) }),
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
      checkbox('force', stop ? t('Force power off') : t('Force a reset'), t('For a system that does not respond. Unsaved data is lost.')),
    ],
    confirm: stop ? t('Stop') : t('Restart'),
    danger: true,
    act: (form) => store.power(vps, action, form.has('force')),
  });
}

/** When backups are made automatically. @param {BackupElement} host @param {ScheduleEntry | null} [entry] null: one more; without it the first */
export function schedule(host, entry) {
  askSchedule(host, entry);
}
