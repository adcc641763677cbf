// SPDX-License-Identifier: LGPL-2.1-or-later
// The backups of a VPS: create, watch, restore, delete, rename, cancel. Loaded when they are first shown.

/** @import { Backup, Operation, Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */
/** @import { Locks } from './row.js' */

import { FreeRow, Row, rowSheet } from './row.js';
import { ScheduleLine, scheduleSheet } from './schedule.js';
import { button, disable, h, icon, iconButton, keyed, set, text } from '../dom.js';
import { css } from '../theme.js';
import { count, duration, percent } from '../format.js';
import { lockedWords, reasonWords } from '../words.js';
import { t, tn } from '../i18n.js';

/** What services that do not tell it have unless their operator has set another one. */
const STALL_TIMEOUT_S = 1800;
/** A reader hears of progress this many times, not at each event. */
const SPOKEN_STEPS = 4;

const sheet = css`
:host { container-type: inline-size }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem 1rem }
.head h2 { display: flex; align-items: baseline; gap: .625rem }
.counter { padding: .0625rem .625rem; border-radius: 2rem; font-size: .8125rem; font-weight: 600; --tone: var(--accent) }
.hint { min-height: 1.5em; margin-block: .25rem 1rem }
.notice { margin-block-end: 1rem; animation: rise .2s ease-out }
.list { overflow: hidden }
.empty { display: grid; justify-items: center; gap: .5rem; padding: 2.5rem 1.5rem; text-align: center }
.empty > .icon { box-sizing: content-box; padding: .75rem; margin-block-end: .25rem; width: 1.5rem; height: 1.5rem; border-radius: 50%; --tone: var(--accent) }
.empty p { max-width: 26rem; text-wrap: balance }
.placeholder { height: 5.75rem; margin: 1px }
@container (inline-size < 36rem) { .head .primary { width: 100% } .hint { min-height: 3em } }
`;

const DISMISSED = 'vps-backup-dismissed';
let dismissed = '';

/** Which failure the reader has put away; kept across reloads where a page may keep anything. @param {string} [id] another one */
function dismissedFailure(id) {
  dismissed = id ?? dismissed;
  try {
    if (id) localStorage.setItem(DISMISSED, id);
    return localStorage.getItem(DISMISSED);
  } catch {
    return dismissed;
  }
}

/** @param {Operation} operation */
const failureTitle = ({ kind }) => (kind === 'create' ? t('The last backup failed') : t('The last restore failed'));

export class View {
  #host;
  #counter = h('span', { class: 'counter numbers tint', part: 'counter', dir: 'ltr' });
  #title = h('h2', { tabindex: -1, id: 'title' }, t('Backups'), this.#counter);
  #create = button({ class: 'primary', part: 'create', 'aria-describedby': 'hint' }, () => this.#host.ask('create'), icon('plus'), t('Create Backup'));
  #hint = h('span', { id: 'hint', part: 'create-reason' });
  #resources = button({ class: 'link' }, () => this.#host.emit('vps-backup-open', { vps: this.#host.vps, view: 'resources' }), t('Go to Resources'));
  /** @type {ScheduleLine} */
  #schedule;
  #failed = this.#notice('red', () => this.#dismiss());
  #stalled = this.#notice('amber', null);
  #list = h('ul', { class: 'list box', part: 'list', 'aria-labelledby': 'title' });
  #empty = h(
    'div',
    { class: 'empty box', part: 'empty' },
    icon('archive', 'tint'),
    h('h3', {}, t('No backups yet')),
    h('p', { class: 'muted' }, t('A backup is a full copy of all disks. If something goes wrong, restore it and the VPS is as it was.')),
  );
  #loading = h('div', { class: 'box loading placeholder' });
  #said = h('p', { role: 'status', class: 'unseen' });
  /** @type {Map<string | number, any>} */
  #rows = new Map();
  #spoken = '';

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
    host.root.adoptedStyleSheets.push(rowSheet, scheduleSheet, sheet);
    this.#schedule = new ScheduleLine(host);
    const head = h('div', { class: 'head' }, h('div', { class: 'grow' }, this.#title), this.#create);
    const hint = h('p', { class: 'hint muted small' }, this.#hint, ' ', this.#resources);
    this.#host.root.append(head, hint, this.#schedule.element, this.#stalled.element, this.#failed.element, this.#loading, this.#empty, this.#list, this.#said);
  }

  focus() {
    this.#title.focus();
  }

  update() {
    const { data } = this.#host;
    this.#loading.hidden = !!data;
    this.#updateNotices(data);
    this.#updateCreate(data);
    this.#schedule.update(data);
    this.#list.hidden = !data?.backups.length;
    this.#empty.hidden = !data || data.backups.length > 0;
    if (!data) return;
    const { used, total } = data.slots;
    text(this.#counter, t('{used} / {total}', { used: count(used), total: count(total) }));
    this.#updateList(data);
    this.#speak(data);
  }

  /** @param {'red' | 'amber'} tone @param {(() => void) | null} close */
  #notice(tone, close) {
    const title = h('h3');
    const body = h('p');
    const detail = h('p', { class: 'muted name' });
    const link = h('a', { target: '_blank', rel: 'noopener' }, t('Contact support'));
    const element = h(
      'div',
      { class: `notice ${tone}`, part: 'notice', hidden: true },
      icon('warning'),
      h('div', { class: 'grow' }, title, body, detail, link),
      close && iconButton('close', t('Dismiss'), 'dismiss', close),
    );
    return { element, title, body, detail, link };
  }

  /** @param {Vps | undefined} data */
  #updateNotices(data) {
    const last = this.#host.store?.state.lastOperation.get(this.#host.vps);
    const failure = !data?.operation && last?.state === 'failed' && last.id !== dismissedFailure() ? last : null;
    const stalled = data?.operation?.stalled ? data.operation : null;
    const support = this.#host.getAttribute('support-url');
    for (const { link } of [this.#failed, this.#stalled]) set(link, { href: support, hidden: support === null });
    this.#failed.element.hidden = !failure;
    this.#stalled.element.hidden = !stalled;
    if (failure) {
      text(this.#failed.title, failureTitle(failure));
      text(this.#failed.body, this.#failureBody(failure));
    }
    if (stalled) {
      text(this.#stalled.title, t('No progress'));
      text(this.#stalled.body, this.#stallWords(stalled));
      text(this.#stalled.detail, t('Operation {id}', { id: stalled.id }));
    }
  }

  /** @param {Operation} operation */
  #stallWords({ kind, state }) {
    // A disk that can only be overwritten in place, and is in part: at once, not after a time.
    if (kind === 'restore' && state === 'finishing') return t('The restore cannot be finished at the moment. Please contact support.');
    const seconds = this.#host.store?.state.info?.stall_timeout_s ?? STALL_TIMEOUT_S;
    return t('There has been no progress for {duration}. Please contact support.', { duration: duration(seconds) });
  }

  /** @param {Operation} operation */
  #failureBody({ kind, error }) {
    const what = kind === 'create' ? t('No backup was kept, and its slot is free again.') : t('The VPS is as it was before.');
    return `${reasonWords(error?.reason)} ${what}`;
  }

  #dismiss() {
    const last = this.#host.store?.state.lastOperation.get(this.#host.vps);
    if (last) dismissedFailure(last.id);
    this.update();
    this.focus();
  }

  /** @param {Vps | undefined} data */
  #updateCreate(data) {
    const may = this.#host.store?.may('backup.create') ?? false;
    const reason = this.#host.offline ?? (!data || data.can_create.allowed ? null : this.#createReason(data));
    const free = data ? data.slots.total - data.slots.used : 0;
    this.#create.hidden = !!this.#host.store?.state.info && !may;
    disable(this.#create, reason ?? (data ? null : ''));
    text(this.#hint, reason ?? (data ? tn('{count} slot free.', '{count} slots free.', free) : ''));
    this.#resources.hidden = data?.can_create.reason !== 'slots_full';
  }

  /** @param {Vps} data */
  #createReason(data) {
    if (data.can_create.reason !== 'operation_running') return reasonWords(data.can_create.reason);
    return data.status === 'restoring_backup'
      ? t('A backup is being restored. You can create the next one when that has finished.')
      : t('A backup is being created. You can create the next one when that has finished.');
  }

  /** @param {Vps} data */
  #updateList(data) {
    const { used, total } = data.slots;
    /** @type {any[]} */
    const items = data.backups.map((backup) => ({ key: backup.id, backup, vps: data, locks: this.#locks(data, backup) }));
    if (used < total) items.push({ key: 'free', free: tn('{count} free slot', '{count} free slots', total - used) });
    const actions = {
      ask: (/** @type {'restore' | 'remove' | 'cancel' | 'rename'} */ what, /** @type {any} */ ...about) => this.#host.ask(what, ...about),
      protect: async (/** @type {Backup} */ { id, protected: is }) => this.#host.store?.protect(this.#host.vps, id, !is),
    };
    keyed(this.#list, this.#rows, items, ({ key }) => key, (item) => (item.backup ? new Row(item.backup, actions) : new FreeRow()));
  }

  /** @param {Vps} data @param {Backup} backup @returns {Locks} */
  #locks(data, backup) {
    const { store, offline } = this.#host;
    const may = (/** @type {string} */ permission) => store?.may(permission) ?? false;
    const own = data.operation?.backup === backup.id ? data.operation : null;
    const cancellable = own && own.state !== 'finishing' && may(own.kind === 'create' ? 'backup.create' : 'backup.restore');
    const shown = backup.state === 'available' || backup.state === 'restoring';
    const busy = data.operation ? lockedWords(data) : null;
    return {
      restore: shown && may('backup.restore') ? (offline ?? busy) : undefined,
      remove: shown && may('backup.delete') ? (offline ?? (own ? busy : backup.protected ? t('This backup is protected. Take the protection away before you delete it.') : null)) : undefined,
      protect: shown && backup.protected !== undefined && may('backup.delete') ? offline : undefined,
      rename: shown && may('backup.create') ? offline : undefined,
      cancel: cancellable ? offline : undefined,
    };
  }

  /** @param {Vps} data */
  #speak({ operation, backups }) {
    const backup = operation && backups.find(({ id }) => id === operation.backup);
    const step = operation ? Math.floor((operation.progress * SPOKEN_STEPS) / 100) : 0;
    const key = operation && backup ? `${operation.id} ${step}` : '';
    if (key === this.#spoken) return;
    this.#spoken = key;
    if (!operation || !backup) return;
    const values = { backup: backup.name, percent: percent((step * 100) / SPOKEN_STEPS) };
    if (step === 0) text(this.#said, operation.kind === 'create' ? t('Creating “{backup}”.', values) : t('Restoring “{backup}”.', values));
    else text(this.#said, t('“{backup}”: {percent}', values));
  }
}
