// SPDX-License-Identifier: LGPL-2.1-or-later
// One backup in the list. Its height never changes: what moves while it is created or restored has its place kept.

/** @import { Backup, Operation, Vps } from '../types' */

import { attempt } from './base.js';
import { button, disable, h, icon, iconButton, set, setIcon, text } from '../dom.js';
import { css } from '../theme.js';
import { date, fullDate, percent, rate, share, size, timeLeft } from '../format.js';
import { backupWord } from '../words.js';
import { line, t } from '../i18n.js';

export const rowSheet = css`
li { display: grid; grid-template: auto auto / auto minmax(0, 1fr) auto; align-content: center; align-items: center; gap: 0 1rem; position: relative; overflow: hidden; padding: .875rem 1.25rem; min-height: 5.75rem }
li + li { border-block-start: 1px solid var(--border) }
.badge { grid-row: 1 / -1; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%; --tone: var(--green) }
li:is([data-state=creating], [data-state=queued]) .badge { --tone: var(--amber) }
li[data-state=restoring] .badge { --tone: var(--blue) }
li[data-state=free] > * { grid-row: 1 / -1; color: var(--muted) }
li[data-state=free] .badge { border: 1.5px dashed color-mix(in srgb, var(--muted), transparent 45%) }
.title { gap: .25rem; min-height: 2rem }
.title strong { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.title .icon-button { width: 2rem; min-height: 2rem; min-width: 2rem; flex: none }
.title .icon { width: 1rem; height: 1rem }
.protected { display: flex; color: var(--muted) }
.title form { display: flex; gap: .375rem; width: 100% }
.title form input { min-height: 2rem; padding-block: .125rem; outline-offset: -1px }
.title form button { min-height: 2rem; padding-block: .125rem; padding-inline: .625rem }
.line { grid-column: 2; display: flex; gap: 0 .625rem; min-height: 1.5em }
.line .state { min-width: 9.25em }
li[data-state=available] .state { min-width: 0 }
.facts { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.buttons { grid-area: 1 / 3 / -1; display: flex; justify-content: end; gap: .25rem; min-width: 7.75rem }
.bar { position: absolute; inset-inline: 0; inset-block-end: 0; height: .25rem; background: color-mix(in srgb, var(--tone) 18%, var(--surface)); --tone: var(--amber-fill) }
.bar > i { display: block; height: 100%; width: 0; background: var(--tone); border-start-end-radius: 1rem; border-end-end-radius: 1rem; transition: width .4s linear }
li[data-state=restoring] .bar { --tone: var(--blue) }
li[data-state=available] .bar { --tone: var(--green-fill); animation: fade 1s .6s forwards }
@container (inline-size < 36rem) {
  li { padding-inline: 1rem; gap: .25rem .75rem; grid-template: auto auto auto / minmax(0, 1fr) auto; min-height: 8.5rem }
  .badge { display: none }
  .title, .facts, .error { grid-column: 1 / -1 }
  .line { display: contents }
  .state { grid-area: 2 / 1 }
  .buttons { grid-area: 2 / 2; min-width: 0; min-height: 2.375rem; }
  .buttons .icon-button:last-child { margin-inline-end: -.5rem }
  .facts { grid-row: 3; min-height: 1.5em }
  li[data-state=restoring] .buttons .icon-button { display: none }
}
@container (inline-size < 24rem) { .rate { display: none } }
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

export class Row {
  /** @type {Backup} */
  #backup;
  #actions;
  #icon = icon('check');
  #name = h('strong', { part: 'backup-name', dir: 'auto' });
  #protected = h('span', { class: 'protected', part: 'protected', role: 'img' }, icon('lock'));
  #state = h('span', { class: 'state numbers', part: 'backup-state' });
  #time = h('time', {});
  #facts = h('span', { class: 'facts muted numbers', part: 'backup-facts' });
  #rate = h('span', { class: 'rate' });
  #fill = h('i');
  #bar = h('div', { class: 'bar', part: 'progress', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', onanimationend: () => (this.#bar.hidden = true) }, this.#fill);
  #title = h('div', { class: 'row title' });
  #error = h('span', { class: 'error small', role: 'alert' });
  #buttons;

  /** @param {Backup} backup @param {RowActions} actions */
  constructor(backup, actions) {
    this.#backup = backup;
    this.#actions = actions;
    this.#buttons = {
      rename: iconButton('pencil', t('Rename'), 'rename', () => this.#edit(true)),
      restore: iconButton('restore', t('Restore'), 'restore', () => actions.ask('restore', this.#backup)),
      protect: iconButton('lock', '', 'protect', () => this.#protect()),
      remove: iconButton('trash', t('Delete'), 'delete', () => actions.ask('remove', this.#backup)),
      cancel: button({ part: 'cancel-operation' }, () => actions.ask('cancel', this.#backup), t('Cancel')),
    };
    const { rename, restore, protect, remove, cancel } = this.#buttons;
    this.#title.append(this.#protected, this.#name, rename);
    this.element = h(
      'li',
      { part: 'backup' },
      h('span', { class: 'badge tint' }, this.#icon),
      this.#title,
      h('div', { class: 'line small' }, this.#state, this.#facts, this.#error),
      h('div', { class: 'buttons' }, cancel, restore, protect, remove),
      this.#bar,
    );
  }

  /** @param {{backup: Backup, vps: Vps, locks: Locks}} shown */
  update({ backup, vps, locks }) {
    const operation = vps.operation?.backup === backup.id ? vps.operation : null;
    this.#backup = backup;
    setIcon(this.#icon, backup.state === 'restoring' ? 'restore' : backup.state === 'available' ? 'check' : 'archive');
    text(this.#name, backup.name);
    set(this.#name, { title: backup.name });
    this.#protected.hidden = !backup.protected;
    set(this.#protected, { 'aria-label': t('Protected'), title: t('Protected') });
    setIcon(/** @type {SVGElement} */ (this.#buttons.protect.firstChild), backup.protected ? 'unlock' : 'lock');
    this.#updateState(backup, operation);
    for (const [name, element] of Object.entries(this.#buttons)) {
      const lock = locks[/** @type {keyof Locks} */ (name)];
      element.hidden = lock === undefined;
      disable(element, lock ?? null);
      const label = element.classList.contains('icon-button') ? t('{action}: {backup}', { action: this.#label(name), backup: backup.name }) : null;
      set(element, { 'aria-label': label, title: lock || (label && this.#label(name)) });
    }
  }

  /** @param {string} name */
  #label(name) {
    if (name === 'protect') return this.#backup.protected ? t('Remove protection') : t('Protect');
    return name === 'rename' ? t('Rename') : name === 'restore' ? t('Restore') : t('Delete');
  }

  async #protect() {
    text(this.#error, await attempt(this.#buttons.protect, () => this.#actions.protect(this.#backup)));
  }

  /** @param {Backup} backup @param {Operation | null} operation */
  #updateState(backup, operation) {
    const word = backupWord(backup, operation);
    const working = backup.state !== 'available';
    const before = this.element.getAttribute('data-state');
    // The server has said that it is there: the bar is filled before it fades.
    const progress = working ? (operation?.progress ?? backup.progress ?? 0) : 100;
    set(this.#state, { 'data-state': backup.state });
    text(this.#state, working && backup.state !== 'queued' ? t('{state} {percent}', { state: word, percent: percent(progress) }) : word);
    // What becomes of a restore is not said yet.
    if (working || !before || before === 'restoring') this.#bar.hidden = !working;
    set(this.element, { 'data-state': backup.state, 'data-id': backup.id });
    set(this.#bar, { 'aria-valuenow': String(Math.floor(progress)), 'aria-label': t('{state}: {backup}', { state: word, backup: backup.name }) });
    this.#fill.style.width = `${progress}%`;
    if (!working) this.#resting(backup);
    else if (operation?.state === 'copying' && operation.bytes_total) this.#moving(operation);
    else text(this.#facts, '');
  }

  /** @param {Operation} operation */
  #moving({ bytes_done: done, bytes_total: total, rate_bytes_per_s: speed, eta_s: left, stalled }) {
    const facts = [share(done, total)];
    if (left !== null && !stalled) facts.unshift(timeLeft(left));
    if (this.#rate.parentNode !== this.#facts) this.#facts.replaceChildren('', this.#rate);
    // Where it is narrow, there is no room for the last of them.
    /** @type {Text} */ (this.#facts.firstChild).data = line(facts);
    text(this.#rate, speed > 0 && !stalled ? line(['', rate(speed)]) : '');
  }

  /** @param {Backup} backup */
  #resting({ created_at: created, size_bytes: bytes, scheduled }) {
    if (created) {
      text(this.#time, date(created));
      set(this.#time, { datetime: created, title: fullDate(created) });
    }
    const tail = (bytes === null ? '' : ` · ${size(bytes)}`) + (scheduled ? ` · ${t('Scheduled')}` : '');
    if (this.#facts.firstChild !== this.#time || this.#facts.lastChild?.nodeValue !== tail) this.#facts.replaceChildren(this.#time, tail);
  }

  /** @param {boolean} editing whether a form stands in the place of the name */
  #edit(editing) {
    const [title, error, { rename }] = [this.#title, this.#error, this.#buttons];
    text(error, '');
    if (editing) this.#actions.ask('rename', this.#backup, { title, error, done: () => this.#edit(false) });
    else {
      title.replaceChildren(this.#protected, this.#name, rename);
      rename.focus();
    }
  }
}

/** Shown for the slots that are free, so that a new backup appears where its place has been. */
export class FreeRow {
  #label = h('span');
  element = h('li', { 'data-state': 'free' }, h('span', { class: 'badge' }, icon('archive')), this.#label);

  /** @param {{free: string}} shown */
  update({ free }) {
    text(this.#label, free);
  }
}
