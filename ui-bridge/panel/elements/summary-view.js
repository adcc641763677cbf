// SPDX-License-Identifier: LGPL-2.1-or-later
// The backups of a VPS at a glance: how old the last good one is, when the next comes, the slots, and the next step. Loaded when it is
// first shown.

/** @import { Backup, Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { UndoLine, undoSheet } from './undo.js';
import { button, disable, h, icon, set, text } from '../dom.js';
import { css } from '../theme.js';
import { ago, count, date, fullDate, percent, size, timeLeft } from '../format.js';
import { backupWord, createReason, operationWord } from '../words.js';
import { line, t, tn } from '../i18n.js';

/** Older than that, a backup is no great help. */
const STALE_DAYS = 30;
const DAY_MS = 86400e3;

export const slotsSheet = css`
.slots { display: flex; gap: .25rem; width: 100% }
.slots i { flex: 1; height: .375rem; border-radius: 1rem; overflow: hidden; background: color-mix(in srgb, var(--muted) 24%, var(--surface)) }
.slots i::before { content: ''; display: block; height: 100%; width: var(--part, 0); background: var(--its, var(--accent)) }
.slots i[data-state] { --part: 100% }
.slots i[data-state=damaged] { --its: var(--red) }
.slots i:is([data-state=creating], [data-state=queued]) { --its: var(--amber-fill); --part: var(--progress) }
.slots i[data-state=restoring] { --its: var(--blue); --part: var(--progress) }
@media (forced-colors: active) { .slots i { border: 1px solid CanvasText } .slots i::before { forced-color-adjust: none; background: Highlight } }
`;

/** One piece for each slot, filled as its backup is. @param {HTMLElement} element @param {Vps} data */
export function drawSlots(element, { slots: { total }, backups, operation }) {
  while (element.childElementCount > total) element.lastChild?.remove();
  while (element.childElementCount < total) element.append(h('i'));
  const oldest = backups.toReversed();
  [...element.children].forEach((slot, index) => {
    const backup = oldest[index];
    set(slot, { 'data-state': !backup ? null : backup.state === 'available' && backup.damaged ? 'damaged' : backup.state });
    const own = backup && operation?.backup === backup.id;
    /** @type {HTMLElement} */ (slot).style.setProperty('--progress', own ? `${Math.max(4, operation.progress)}%` : '100%');
  });
}

/** The newest that can be restored. @param {Vps} data */
export const latestGood = ({ backups }) => backups.find(({ state, damaged }) => (state === 'available' || state === 'restoring') && !damaged);

const sheet = css`
:host { container-type: inline-size }
article { position: relative; display: grid; gap: 1rem; padding: 1.25rem }
.top { display: flex; align-items: center; gap: .625rem }
.top > .icon { color: var(--accent) }
h3 { flex: 1; font-size: 1.0667em }
h3 button { position: static; padding: 0; min-height: 0; border: 0; background: none !important; box-shadow: none; font-weight: 650; color: inherit }
/* All of the card is the button's; what else can be pressed lies above. */
h3 button::after { content: ''; position: absolute; inset: 0; border-radius: var(--radius) }
h3 button:focus-visible { outline: none }
h3 button:focus-visible::after { outline: 2px solid var(--accent); outline-offset: 2px }
article button:not(h3 button), article a { position: relative }
.counter { font-weight: 650 }
.chevron { display: flex; color: var(--muted) }
.last { display: grid; gap: .125rem }
.last strong { font-size: 1.75em; font-weight: 650; line-height: 1.25; letter-spacing: -.02em; text-wrap: balance }
.last .state { white-space: normal }
.warn { display: flex; gap: .5rem; color: var(--tone); font-weight: 550 }
.warn .icon { margin-block-start: .125rem }
.warn.red { --tone: var(--red) } .warn.amber { --tone: var(--amber) }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr)); gap: .75rem 1.5rem; padding-block-start: 1rem; border-block-start: 1px solid var(--border) }
dt { color: var(--muted); font-size: .8667em }
.act { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem }
.act p { flex: 1 1 12rem }
@media (hover: hover) { article:has(h3 button:hover) { border-color: color-mix(in srgb, var(--accent) 55%, var(--border)) } }
@container (inline-size < 30rem) { article { padding: 1rem; gap: .875rem } .act .primary { width: 100% } }
`;

/** @param {string} label @param {Node} value */
const fact = (label, value) => h('div', {}, h('dt', {}, label), h('dd', {}, value));

export class View {
  #host;
  #counter = h('span', { class: 'counter numbers', part: 'counter', dir: 'ltr' });
  #open = button({ part: 'card-open' }, () => this.#go('backups'), t('Backups'));
  #slots = h('div', { class: 'slots', 'aria-hidden': 'true' });
  #label = h('span', { class: 'muted small' });
  #headline = h('strong', { part: 'latest' });
  #detail = h('span', { class: 'muted name numbers' });
  #state = h('span', { class: 'state numbers', part: 'working' });
  #stateDetail = h('span', { class: 'muted numbers small' });
  #warning = h('p', { class: 'warn red', part: 'damaged-warning' }, icon('warning'), h('span'));
  #stale = h('p', { class: 'warn amber', part: 'stale-warning' }, icon('clock'), h('span'));
  #next = h('span');
  #turnOn = button({ class: 'link', part: 'schedule-change' }, () => this.#host.ask('schedule'), t('Turn on'));
  #space = h('span', { class: 'numbers' });
  #room = h('span', { class: 'numbers' });
  #more = button({ class: 'link' }, () => this.#go('resources'), t('Add slots'));
  #create = button({ class: 'primary', part: 'create', 'aria-describedby': 'why' }, () => this.#host.ask('create'), icon('plus'), t('Create Backup'));
  #why = h('p', { class: 'muted small', id: 'why', part: 'create-reason' });
  #facts;
  #undo;
  #box;

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
    this.#undo = new UndoLine(host);
    this.#facts = h(
      'dl',
      {},
      fact(t('Next automatic backup'), h('span', {}, this.#next, ' ', this.#turnOn)),
      fact(t('Slots'), h('span', {}, this.#room, ' ', this.#more)),
      fact(t('Space in backups'), this.#space),
    );
    this.#box = h(
      'article',
      { class: 'box', part: 'card' },
      h('div', { class: 'top' }, icon('archive'), h('h3', {}, this.#open), this.#counter, h('span', { class: 'chevron' }, icon('chevron'))),
      this.#slots,
      h('div', { class: 'last' }, this.#label, this.#headline, this.#detail),
      h('div', { class: 'last' }, this.#state, this.#stateDetail),
      this.#warning,
      this.#stale,
      this.#undo.element,
      h('div', { class: 'act' }, this.#create, this.#why),
      this.#facts,
    );
    host.root.adoptedStyleSheets.push(slotsSheet, undoSheet, sheet);
    host.root.append(this.#box);
  }

  /** @param {string} view */
  #go(view) {
    this.#host.emit('vps-backup-open', { vps: this.#host.vps, view });
  }

  focus() {
    this.#open.focus();
  }

  update() {
    const { data } = this.#host;
    this.#box.classList.toggle('waiting', !data);
    this.#undo.update(data);
    this.#updateCreate(data);
    this.#facts.hidden = !data;
    if (!data) {
      text(this.#counter, '');
      for (const element of [this.#warning, this.#stale]) element.hidden = true;
      return this.#headlines(t('Loading'), '', '');
    }
    const { used, total } = data.slots;
    text(this.#counter, t('{used} / {total}', { used: count(used), total: count(total) }));
    drawSlots(this.#slots, data);
    this.#updateLatest(data);
    this.#updateWork(data);
    this.#updateFacts(data);
  }

  /** @param {string} headline @param {string} label @param {string} detail */
  #headlines(headline, label, detail) {
    text(this.#headline, headline);
    text(this.#label, label);
    text(this.#detail, detail);
    this.#label.hidden = !label;
    this.#detail.hidden = !detail;
  }

  /** @param {Vps} data */
  #updateLatest(data) {
    const { slots: { total }, backups } = data;
    const latest = latestGood(data);
    const damaged = backups.filter((one) => one.damaged);
    const age = latest?.created_at ? (Date.now() - Date.parse(latest.created_at)) / DAY_MS : 0;
    this.#headline.title = latest?.created_at ? fullDate(latest.created_at) : '';
    if (!total) this.#headlines(t('This VPS has no backup slots.'), '', this.#mayCreate ? t('Add a slot, and you can create a backup.') : '');
    else if (!latest) this.#headlines(t('No backup yet'), '', this.#mayCreate ? t('Create one before you change anything.') : '');
    else this.#headlines(latest.created_at ? ago(latest.created_at) : latest.name, t('Last backup'), line(this.#latestFacts(latest)));
    this.#warning.hidden = !damaged.length;
    text(/** @type {Element} */ (this.#warning.lastChild), damaged.length === 1 ? t('“{backup}” is damaged and cannot be restored.', { backup: damaged[0].name }) : tn('{count} backup is damaged and cannot be restored.', '{count} backups are damaged and cannot be restored.', damaged.length));
    this.#stale.hidden = age < STALE_DAYS || !!data.operation;
    text(/** @type {Element} */ (this.#stale.lastChild), tn('No backup for {count} day.', 'No backup for {count} days.', Math.floor(age)));
  }

  /** @param {Backup} backup */
  #latestFacts({ name, size_bytes: bytes, verified_at: verified }) {
    const facts = [name];
    if (bytes !== null) facts.push(size(bytes));
    if (verified) facts.push(t('Checked {when}', { when: ago(verified) }));
    return facts;
  }

  /** @param {Vps} data */
  #updateWork({ operation, backups, status }) {
    const box = /** @type {HTMLElement} */ (this.#state.parentElement);
    box.hidden = !operation;
    if (!operation) {
      for (const element of [this.#state, this.#stateDetail]) text(element, '');
      return;
    }
    const backup = backups.find(({ id }) => id === operation.backup);
    const word = backup && operation.kind !== 'undo' ? backupWord(backup, operation) : operationWord(operation);
    set(this.#state, { 'data-state': status });
    text(this.#state, t('{state} {percent}', { state: word, percent: percent(operation.progress) }));
    const facts = backup ? [backup.name] : [];
    if (operation.eta_s !== null && !operation.stalled) facts.push(timeLeft(operation.eta_s));
    if (operation.usable) facts.push(t('The VPS is running already'));
    text(this.#stateDetail, line(facts));
  }

  /** @param {Vps} data */
  #updateFacts({ schedule, next_run_at: next, slots: { used, total }, backups }) {
    const may = this.#mayCreate && !!this.#host.store?.may('backup.delete');
    const row = /** @type {HTMLElement} */ (this.#facts.firstChild);
    row.hidden = schedule === undefined || total === 0;
    text(this.#next, !schedule ? t('Off') : next ? line([ago(next), date(next)]) : t('Daily'));
    this.#turnOn.hidden = !!schedule || !may;
    disable(this.#turnOn, this.#host.offline);
    text(this.#room, used < total ? tn('{count} slot free', '{count} slots free', total - used) : total ? t('All slots in use') : t('No slots'));
    this.#more.hidden = used < total || !this.#mayCreate;
    const sizes = backups.map(({ size_bytes: bytes }) => bytes ?? 0);
    text(this.#space, size(sizes.reduce((sum, bytes) => sum + bytes, 0)));
  }

  get #mayCreate() {
    return this.#host.store?.may('backup.create') ?? false;
  }

  /** @param {Vps | undefined} data */
  #updateCreate(data) {
    const reason = this.#host.offline ?? (!data || data.can_create.allowed ? null : createReason(data));
    this.#create.hidden = (!!this.#host.store?.state.info && !this.#mayCreate) || data?.slots.total === 0;
    disable(this.#create, reason ?? (data ? null : ''));
    text(this.#why, this.#create.hidden ? '' : (reason ?? ''));
    /** @type {HTMLElement} */ (this.#create.parentElement).hidden = this.#create.hidden;
  }
}
