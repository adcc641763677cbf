// SPDX-License-Identifier: LGPL-2.1-or-later
// One backup in the list. Its height never changes: what moves while it is created or restored has its place kept.

/** @import { Backup, Operation, Vps } from '../types' */
/** @import { Action } from './menu.js' */

import { Menu } from './menu.js';
import { attempt } from './base.js';
import { button, disable, h, icon, set, setIcon, text } from '../dom.js';
import { css } from '../theme.js';
import { ago, fullDate, percent, rate, share, size, timeLeft } from '../format.js';
import { backupWord } from '../words.js';
import { line, t } from '../i18n.js';

export const rowSheet = css`
li { display: grid; grid-template: auto auto / auto minmax(0, 1fr) auto; align-content: center; align-items: center; gap: 0 1rem; position: relative; overflow: hidden; padding: .75rem 1.25rem; min-height: 4.75rem }
li + li { border-block-start: 1px solid var(--border) }
.badge { grid-row: 1 / -1; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%; --tone: var(--green) }
li:is([data-state=creating], [data-state=queued]) .badge { --tone: var(--amber) }
li[data-state=restoring] .badge { --tone: var(--blue) }
li[data-state=damaged] .badge { --tone: var(--red) }
li[data-state=free] { min-height: 3.25rem; padding-block: .375rem }
li[data-state=free] > * { grid-row: 1 / -1; color: var(--muted) }
li[data-state=free] .badge { height: 1.75rem; width: 2.5rem; border-radius: 1rem; border: 1.5px dashed color-mix(in srgb, var(--muted), transparent 45%) }
li[data-state=free] .icon { width: 1rem; height: 1rem }
.title { gap: .5rem; min-height: 1.75rem }
.title strong { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; flex: 0 1 auto }
.title time { white-space: nowrap; flex: none }
.title .icon { width: 1rem; height: 1rem }
.protected { display: flex; color: var(--muted) }
.title form { display: flex; gap: .375rem; width: 100% }
.title form input { min-height: 2rem; padding-block: .125rem; outline-offset: -1px }
.title form button { min-height: 2rem; padding-block: .125rem; padding-inline: .625rem }
.line { grid-column: 2; display: flex; gap: 0 .625rem; min-height: 1.5em }
.one-digit { padding-inline-end: 1ch }
.facts { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.buttons { grid-area: 1 / 3 / -1; display: flex; justify-content: end; gap: .25rem; min-width: 10rem }
.bar { position: absolute; inset-inline: 0; inset-block-end: 0; height: .25rem; background: color-mix(in srgb, var(--tone) 18%, var(--surface)); --tone: var(--amber-fill) }
.bar > i { display: block; height: 100%; width: 0; background: var(--tone); border-start-end-radius: 1rem; border-end-end-radius: 1rem; transition: width .4s linear }
li[data-state=restoring] .bar { --tone: var(--blue) }
li[data-state=available] .bar { --tone: var(--green-fill); animation: fade 1s .6s forwards }
li.fresh { animation: arrive .25s ease-out }
@keyframes arrive { from { opacity: 0 } }
@container (inline-size < 36rem) {
  li { padding-inline: 1rem; gap: 0 .5rem; grid-template: auto auto / minmax(0, 1fr) auto }
  .badge { display: none }
  .title { flex-wrap: wrap; gap: 0 .5rem; min-height: 0 }
  .title strong { white-space: normal; overflow-wrap: anywhere; max-height: 3em }
  li[data-state=free] .badge { display: grid; grid-area: 1 / 2; border: 0; background: none }
  .title { grid-area: 1 / 1 }
  .line { grid-area: 2 / 1; flex-wrap: wrap }
  .facts { white-space: normal }
  .buttons { grid-area: 1 / 2 / -1; margin-inline-end: -.5rem; min-width: 0 }
  .buttons .restore { padding-inline: .625rem }
  .title:has(form) { grid-column: 1 / -1 }
  li:has(form) .buttons { display: none }
}
@container (inline-size < 22rem) { .buttons .restore .icon, .rate { display: none } }
@media (forced-colors: active) { .bar { border-block-start: 1px solid CanvasText; height: .5rem } .bar > i { forced-color-adjust: none; background: Highlight } .badge { border: 1px solid CanvasText } }
`;

/** Where a form goes, and what says why it was not taken. @typedef {{title: Element, error: Element, done: () => void}} Place */

/**
 * What a row asks its list to do.
 * @typedef {object} RowActions
 * @property {(what: 'restore' | 'remove' | 'cancel' | 'rename', backup: Backup, place?: Place) => void} ask
 * @property {(backup: Backup) => Promise<unknown>} protect
 */

/**
 * Why an action is not to be had: null, it is; undefined, it is not even shown.
 * @typedef {Record<'restore' | 'remove' | 'cancel' | 'rename' | 'protect', string | null | undefined>} Locks
 */

/** @type {Record<Backup['consistency'], () => string>} */
const CONSISTENCY = {
  filesystem: () => t('Consistent'),
  crash: () => t('Crash-consistent'),
  offline: () => t('Made while off'),
};

/** Damaged is what a reader has to know first. @param {Backup} backup */
const stateOf = ({ state, damaged }) => (state === 'available' && damaged ? 'damaged' : state);

export class Row {
  /** @type {Backup} */
  #backup;
  #actions;
  #icon = icon('check');
  #name = h('strong', { part: 'backup-name', dir: 'auto' });
  #protected = h('span', { class: 'protected', part: 'protected', role: 'img' }, icon('lock'));
  #state = h('span', { class: 'state numbers', part: 'backup-state' });
  #time = h('time', { class: 'muted small', part: 'backup-time' });
  #facts = h('span', { class: 'facts muted numbers', part: 'backup-facts' });
  #rate = h('span', { class: 'rate' });
  #fill = h('i');
  #bar = h('div', { class: 'bar', part: 'progress', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', onanimationend: () => (this.#bar.hidden = true) }, this.#fill);
  #title = h('div', { class: 'row title' }, this.#name, this.#protected, this.#time);
  #error = h('span', { class: 'error small', role: 'alert' });
  #menu = new Menu();
  /** The focus is to come here with the first thing that can be pressed. */
  #awaited = false;
  #restore;
  #cancel;

  /** @param {Backup} backup @param {RowActions} actions */
  constructor(backup, actions) {
    this.#backup = backup;
    this.#actions = actions;
    this.#restore = button({ part: 'restore', class: 'restore' }, () => actions.ask('restore', this.#backup), icon('restore'), t('Restore'));
    this.#cancel = button({ part: 'cancel-operation' }, () => actions.ask('cancel', this.#backup), t('Cancel'));
    this.element = h(
      'li',
      { part: 'backup' },
      h('span', { class: 'badge tint' }, this.#icon),
      this.#title,
      h('div', { class: 'line small' }, this.#state, this.#facts, this.#error),
      h('div', { class: 'buttons' }, this.#cancel, this.#restore, this.#menu.element),
      this.#bar,
    );
  }

  /** @param {{backup: Backup, vps: Vps, locks: Locks}} shown */
  update({ backup, vps, locks }) {
    const operation = vps.operation?.backup === backup.id ? vps.operation : null;
    const state = stateOf(backup);
    this.#backup = backup;
    setIcon(this.#icon, state === 'damaged' ? 'warning' : state === 'restoring' ? 'restore' : state === 'available' ? 'check' : 'archive');
    text(this.#name, backup.name);
    set(this.#name, { title: backup.name });
    this.#protected.hidden = !backup.protected;
    set(this.#protected, { 'aria-label': t('Protected'), title: t('Protected') });
    this.#updateState(backup, operation, locks.remove !== undefined);
    const root = /** @type {ShadowRoot} */ (this.element.getRootNode());
    const orphaned = locks.cancel === undefined && root.activeElement === this.#cancel;
    for (const [element, lock, label] of /** @type {const} */ ([[this.#restore, locks.restore, t('Restore')], [this.#cancel, locks.cancel, t('Cancel')]])) {
      element.hidden = lock === undefined;
      disable(element, lock ?? null);
      set(element, { 'aria-label': t('{action}: {backup}', { action: label, backup: backup.name }) });
    }
    this.#menu.update(t('More: {backup}', { backup: backup.name }), this.#more(locks));
    // What had the focus is gone.
    if (orphaned || (this.#awaited && !root.activeElement)) this.focus();
  }

  /** @param {Locks} locks @returns {Action[]} */
  #more({ rename, protect, remove }) {
    const { protected: is } = this.#backup;
    /** @type {(Omit<Action, 'lock'> & {lock: string | null | undefined})[]} */
    const all = [
      { part: 'rename', icon: 'pencil', label: t('Rename'), lock: rename, act: () => this.#edit(true) },
      { part: 'protect', icon: is ? 'unlock' : 'lock', label: is ? t('Unprotect') : t('Protect'), lock: protect, act: () => this.#protect() },
      { part: 'delete', icon: 'trash', label: t('Delete'), lock: remove, danger: true, act: () => this.#actions.ask('remove', this.#backup) },
    ];
    return /** @type {Action[]} */ (all.filter(({ lock }) => lock !== undefined));
  }

  /** The new one takes the focus of the button that has made it. */
  focus() {
    const first = [this.#cancel, this.#restore, this.#menu.button].find((one) => one.checkVisibility());
    this.#awaited = !first;
    first?.focus();
  }

  async #protect() {
    text(this.#error, await attempt(this.#menu.button, () => this.#actions.protect(this.#backup)));
  }

  /** @param {Backup} backup @param {Operation | null} operation @param {boolean} removable */
  #updateState(backup, operation, removable) {
    const word = backupWord(backup, operation);
    const working = backup.state !== 'available';
    const before = this.element.getAttribute('data-state');
    // The server has said that it is there: the bar is filled before it fades.
    const progress = working ? (operation?.progress ?? backup.progress ?? 0) : 100;
    set(this.#state, { 'data-state': stateOf(backup) });
    text(this.#state, working ? t('{state} {percent}', { state: word, percent: percent(progress) }) : word);
    // What stands beside does not move when the percentage gets its second digit.
    this.#state.classList.toggle('one-digit', working && progress < 10);
    // What is normal needs no word for the eye: the mark says it.
    this.#state.classList.toggle('unseen', stateOf(backup) === 'available');
    // What becomes of a restore is not said yet.
    if (working || !before || before === 'restoring') this.#bar.hidden = !working;
    set(this.element, { 'data-state': stateOf(backup), 'data-id': backup.id });
    set(this.#bar, { 'aria-valuenow': String(Math.floor(progress)), 'aria-label': t('{state}: {backup}', { state: word, backup: backup.name }) });
    this.#fill.style.width = `${progress}%`;
    this.#updateTime(backup, working);
    if (!working) text(this.#facts, line(this.#resting(backup, removable)));
    else if (operation?.state === 'copying' && operation.bytes_total) this.#moving(operation);
    else text(this.#facts, '');
  }

  /** @param {Backup} backup @param {boolean} working */
  #updateTime({ created_at: created, state }, working) {
    this.#time.hidden = !created || (working && state !== 'restoring');
    if (!created) return;
    text(this.#time, ago(created));
    set(this.#time, { datetime: created, title: fullDate(created) });
  }

  /** @param {Operation} operation */
  #moving({ bytes_done: done, bytes_total: total, rate_bytes_per_s: speed, eta_s: left, stalled, usable }) {
    const facts = [share(done, total)];
    if (left !== null && !stalled) facts.unshift(timeLeft(left));
    if (usable) facts.unshift(t('The VPS is running already'));
    if (this.#rate.parentNode !== this.#facts) this.#facts.replaceChildren('', this.#rate);
    // Where it is narrow, there is no room for the last of them.
    /** @type {Text} */ (this.#facts.firstChild).data = line(facts);
    text(this.#rate, speed > 0 && !stalled ? line(['', rate(speed)]) : '');
  }

  /** @param {Backup} backup @param {boolean} removable */
  #resting({ size_bytes: bytes, scheduled, damaged, verified_at: verified, consistency }, removable) {
    if (damaged) return [removable ? t('It cannot be restored. Delete it to free its slot.') : t('It cannot be restored.')];
    const facts = bytes === null ? [] : [size(bytes)];
    if (scheduled) facts.push(t('Scheduled'));
    facts.push(CONSISTENCY[consistency]?.() ?? '');
    if (verified) facts.push(t('Checked {when}', { when: ago(verified) }));
    return facts.filter(Boolean);
  }

  /** @param {boolean} editing whether a form stands in the place of the name */
  #edit(editing) {
    const [title, error] = [this.#title, this.#error];
    text(error, '');
    if (editing) this.#actions.ask('rename', this.#backup, { title, error, done: () => this.#edit(false) });
    else {
      title.replaceChildren(this.#name, this.#protected, this.#time);
      this.#menu.button.focus();
    }
  }
}

/** Shown for the slots that are free, so that a new backup appears where its place has been. */
export class FreeRow {
  #label = h('span', { class: 'small' });
  element = h('li', { 'data-state': 'free' }, h('span', { class: 'badge' }, icon('plus')), this.#label);

  /** @param {{free: string}} shown */
  update({ free }) {
    text(this.#label, free);
  }

  focus() {}
}
