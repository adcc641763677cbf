// SPDX-License-Identifier: LGPL-2.1-or-later
// The backups of a VPS: create, watch, restore, delete, rename, cancel. Loaded when they are first shown.

/** @import { Backup, Operation, Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */
/** @import { Locks } from './row.js' */

import { menuSheet } from './menu.js';
import { FreeRow, Row, rowSheet } from './row.js';
import { ScheduleLine, scheduleSheet } from './schedule.js';
import { UndoLine, undoSheet } from './undo.js';
import { button, disable, h, icon, iconButton, keyed, set, text } from '../dom.js';
import { css } from '../theme.js';
import { count, duration, percent } from '../format.js';
import { createReason, lockedWords, reasonWords } from '../words.js';
import { t, tn } from '../i18n.js';

/** What services that do not tell it have unless their operator has set another one. */
const STALL_TIMEOUT_S = 1800;
/** A reader hears of progress this many times, not at each event. */
const SPOKEN_STEPS = 4;

const sheet = css`
:host { container-type: inline-size }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem 1rem; min-height: 2.375rem }
.head h2 { display: flex; align-items: baseline; gap: .625rem }
.counter { padding: .0625rem .625rem; border-radius: 2rem; font-size: .8125rem; font-weight: 600; --tone: var(--accent) }
.hint { flex: 1 1 12rem; text-align: end; text-wrap: balance }
.head button { margin-inline-start: auto }
.notice { margin-block-end: .75rem; animation: rise .2s ease-out }
.notices { margin-block-start: 1rem }
.list { overflow: hidden }
.empty { display: grid; justify-items: center; gap: .5rem; padding: 2.5rem 1.5rem; text-align: center }
.empty > .icon { box-sizing: content-box; padding: .75rem; margin-block-end: .25rem; width: 1.5rem; height: 1.5rem; border-radius: 50%; --tone: var(--accent) }
.empty p { max-width: 26rem; text-wrap: balance }
.empty p:empty { display: none }
.placeholder { height: 4.75rem; margin: 1px }
@container (inline-size < 36rem) { .hint { flex: 1 0 100%; order: 1; text-align: start; text-wrap: wrap } .head { gap: .5rem 1rem } .empty { padding: 1.5rem 1rem } }
@container (inline-size < 20rem) { .head { gap: .5rem } .head h2 { gap: .375rem } .head > button .icon { display: none } }
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

/** @type {Record<Operation['kind'], () => string>} */
const FAILURES = { create: () => t('Backup Failed'), restore: () => t('Restore Failed'), undo: () => t('Undo Failed') };

export class View {
  #host;
  #counter = h('span', { class: 'counter numbers tint', part: 'counter', dir: 'ltr' });
  #title = h('h2', { tabindex: -1, id: 'title' }, t('Backups'), this.#counter);
  #create = button({ class: 'primary', part: 'create', 'aria-describedby': 'hint' }, () => this.#host.ask('create'), icon('plus'), t('Create Backup'));
  #hint = h('span', { id: 'hint', part: 'create-reason' });
  #hintLine = h('p', { class: 'hint muted small' }, this.#hint, ' ');
  #resources = button({ class: 'link' }, () => this.#open('resources'), t('Go to Resources'));
  /** @type {ScheduleLine} */
  #schedule;
  #failed = this.#notice('red', () => this.#dismiss());
  #stalled = this.#notice('amber', null);
  #undo;
  #list = h('ul', { class: 'list box', part: 'list', 'aria-labelledby': 'title' });
  #emptyTitle = h('h3');
  #emptyText = h('p', { class: 'muted' });
  #first = button({ class: 'primary', part: 'create-first' }, () => this.#host.ask('create'), icon('plus'), t('Create Backup'));
  #addSlots = button({ part: 'add-slots' }, () => this.#open('resources'), t('Go to Resources'));
  #empty = h(
    'div',
    { class: 'empty box', part: 'empty' },
    icon('archive', 'tint'),
    this.#emptyTitle,
    this.#emptyText,
    this.#first,
    this.#addSlots,
  );
  #loading = h('div', { class: 'box loading placeholder' });
  #said = h('p', { role: 'status', class: 'unseen' });
  /** @type {Map<string | number, any>} */
  #rows = new Map();
  #spoken = '';
  /** Whose list is there. */
  #shown = '';

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
    host.root.adoptedStyleSheets.push(rowSheet, menuSheet, scheduleSheet, undoSheet, sheet);
    this.#schedule = new ScheduleLine(host);
    this.#undo = new UndoLine(host);
    const head = h('div', { class: 'head' }, this.#title, this.#hintLine, this.#create);
    const notices = h('div', { class: 'notices' }, this.#stalled.element, this.#failed.element, this.#undo.element);
    this.#host.root.append(head, notices, this.#loading, this.#empty, this.#list, this.#schedule.element, this.#said);
  }

  /** @param {string} view */
  #open(view) {
    this.#host.emit('vps-backup-open', { vps: this.#host.vps, view });
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
    this.#undo.update(data);
    this.#list.hidden = !data?.backups.length;
    this.#empty.hidden = !data || data.backups.length > 0;
    if (!data) return;
    this.#updateEmpty(data);
    const { used, total } = data.slots;
    text(this.#counter, t('{used} / {total}', { used: count(used), total: count(total) }));
    this.#updateList(data);
    this.#speak(data);
  }

  /** With nothing there, the next step is. @param {Vps} data */
  #updateEmpty({ slots: { total }, can_create: { allowed } }) {
    const may = this.#host.store?.may('backup.create') ?? false;
    text(this.#emptyTitle, total ? t('No backups yet') : t('This VPS has no backup slots.'));
    text(
      this.#emptyText,
      total
        ? t('A backup is a full copy of all disks. If something goes wrong, restore it and the VPS is as it was.')
        : may
          ? t('Add a slot, and you can create a backup.')
          : '',
    );
    this.#first.hidden = !may || !total;
    disable(this.#first, this.#host.offline ?? (allowed ? null : ''));
    this.#addSlots.hidden = total > 0 || !may;
    this.#create.hidden ||= !total || this.#list.hidden;
  }

  /** @param {'red' | 'amber'} tone @param {(() => void) | null} close */
  #notice(tone, close) {
    const title = h('h3');
    const body = h('p');
    const detail = h('p', { class: 'muted name' });
    const link = h('a', { target: '_blank', rel: 'noopener' }, t('Contact support'));
    const again = button({ class: 'link', part: 'try-again', hidden: true }, () => this.#tryAgain(), t('Try again'));
    const element = h(
      'div',
      { class: `notice ${tone}`, part: 'notice', hidden: true },
      icon('warning'),
      h('div', { class: 'grow' }, title, body, detail, h('div', { class: 'actions' }, again, link)),
      close && iconButton('close', t('Dismiss'), 'dismiss', close),
    );
    return { element, title, body, detail, link, again };
  }

  /** @param {Vps | undefined} data */
  #updateNotices(data) {
    const failure = data?.operation ? null : this.#failure(data);
    const stalled = data?.operation?.stalled ? data.operation : null;
    const support = this.#host.getAttribute('support-url');
    for (const { link } of [this.#failed, this.#stalled]) set(link, { href: support, hidden: support === null });
    this.#failed.element.hidden = !failure;
    this.#stalled.element.hidden = !stalled;
    if (failure) {
      text(this.#failed.title, FAILURES[failure.kind]());
      text(this.#failed.body, this.#failureBody(failure));
      this.#failed.again.hidden = !this.#repeat(failure);
      disable(this.#failed.again, this.#host.offline);
    }
    if (stalled) {
      text(this.#stalled.title, t('No progress'));
      text(this.#stalled.body, this.#stallWords(stalled));
      text(this.#stalled.detail, t('Operation {id}', { id: stalled.id }));
    }
  }

  /** The last operation, if it has failed and that still matters. @param {Vps | undefined} data */
  #failure(data) {
    const [last] = this.#host.store?.state.operations.get(this.#host.vps) ?? [];
    if (last?.state !== 'failed' || last.id === dismissedFailure()) return null;
    // A backup that is gone cannot be restored any more: nobody has to be told about it.
    return last.kind === 'restore' && !data?.backups.some(({ id }) => id === last.backup) ? null : last;
  }

  /** What would be done again, if that is possible. @param {Operation} operation @returns {(() => void) | null} */
  #repeat({ kind, backup: id }) {
    const { data, store } = this.#host;
    const backup = data?.backups.find((one) => one.id === id);
    if (kind === 'create') return store?.may('backup.create') && data?.can_create.allowed ? () => this.#host.ask('create') : null;
    if (kind === 'undo') return null;
    return backup && !backup.damaged && store?.may('backup.restore') ? () => this.#host.ask('restore', backup) : null;
  }

  #tryAgain() {
    const failure = this.#failure(this.#host.data);
    if (failure) this.#repeat(failure)?.();
  }

  /** @param {Operation} operation */
  #stallWords({ kind, state }) {
    // A disk that can only be overwritten in place, and is in part: at once, not after a time.
    if (kind === 'restore' && state === 'finishing') return t('The restore cannot be finished at the moment. Please contact support.');
    const seconds = this.#host.store?.state.info?.stall_timeout_s ?? STALL_TIMEOUT_S;
    return t('There has been no progress for {duration}. Please contact support.', { duration: duration(seconds) });
  }

  /** @param {Operation} operation */
  #failureBody({ kind, error, backup: id }) {
    const what = kind === 'create' ? t('No backup was kept, and its slot is free again.') : t('The VPS is as it was before.');
    const why = `${reasonWords(error?.reason)} ${what}`;
    const backup = this.#host.data?.backups.find((one) => one.id === id)?.name;
    return backup ? t('“{backup}”: {reason}', { backup, reason: why }) : why;
  }

  #dismiss() {
    const [last] = this.#host.store?.state.operations.get(this.#host.vps) ?? [];
    if (last) dismissedFailure(last.id);
    this.update();
    this.focus();
  }

  /** @param {Vps | undefined} data */
  #updateCreate(data) {
    const may = this.#host.store?.may('backup.create') ?? false;
    const reason = this.#host.offline ?? (!data || data.can_create.allowed ? null : createReason(data));
    this.#create.hidden = !!this.#host.store?.state.info && !may;
    disable(this.#create, reason ?? (data ? null : ''));
    if (this.#resources.parentNode !== this.#hintLine) this.#hintLine.append(this.#resources);
    text(this.#hint, may ? (reason ?? '') : '');
    this.#hintLine.hidden = !may || !reason || data?.slots.total === 0;
    this.#resources.hidden = data?.can_create.reason !== 'slots_full';
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
    const known = this.#rows.size > 0 || !!this.#shown;
    this.#shown = this.#host.vps;
    keyed(this.#list, this.#rows, items, ({ key }) => key, (item) => (item.backup ? this.#arrived(new Row(item.backup, actions), item.backup, known) : new FreeRow()));
  }

  /** What has come while the list is there moves in; if it was asked for here, the focus goes along. @param {Row} row @param {Backup} backup @param {boolean} known */
  #arrived(row, backup, known) {
    if (!known || backup.state === 'available') return row;
    row.element.classList.add('fresh');
    const { root } = this.#host;
    const focus = () => requestAnimationFrame(() => row.focus());
    const dialog = root.querySelector('dialog:has(input[name=name])');
    if (dialog) dialog.addEventListener('close', focus, { once: true });
    else if (root.activeElement === this.#create || root.activeElement === this.#first) focus();
    return row;
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
      restore: shown && !own && !backup.damaged && may('backup.restore') ? (offline ?? busy) : undefined,
      remove: shown && may('backup.delete') ? (offline ?? (own ? busy : backup.protected ? t('It is protected. Unprotect it first.') : null)) : undefined,
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
