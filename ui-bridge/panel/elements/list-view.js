// SPDX-License-Identifier: LGPL-2.1-or-later
// All VPSs of a token: which of them, how they are, how old their last good backup is. Loaded when it is first shown.

/** @import { Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { fields } from './dialog.js';
import { latestGood } from './summary-view.js';
import { button, disable, h, icon, keyed, set, text } from '../dom.js';
import { ago, count, percent } from '../format.js';
import { css } from '../theme.js';
import { statusWord } from '../words.js';
import { t, tn } from '../i18n.js';

/** With more of them a reader searches. */
const MANY = 8;
/** Older than that, a backup is no great help. */
const STALE_MS = 30 * 86400e3;

/** @param {Vps} vps */
function isStale(vps) {
  const { created_at: created } = latestGood(vps) ?? {};
  return !created || Date.now() - Date.parse(created) > STALE_MS;
}

/** @type {[string, () => string, (vps: Vps) => boolean][]} */
const FILTERS = [
  ['all', () => t('All'), () => true],
  ['working', () => t('In progress'), ({ operation }) => !!operation],
  ['stale', () => t('No recent backup'), isStale],
  ['trouble', () => t('Needs attention'), ({ status, operation, backups }) => status === 'crashed' || !!operation?.stalled || backups.some(({ damaged }) => damaged)],
];

const sheet = css`
:host { container-type: inline-size }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin-block-end: 1rem }
.tools input { flex: 1 1 12rem; max-width: 22rem }
.tools .bulk { margin-inline-start: auto }
.chips { display: flex; flex-wrap: wrap; gap: .375rem }
.chips button { min-height: 2.125rem; padding: .25rem .75rem; border-radius: 2rem; font-weight: 500; gap: .375rem; box-shadow: none }
.chips button[aria-pressed=true] { background: color-mix(in srgb, var(--accent) 12%, var(--surface)); border-color: var(--accent); color: var(--accent) }
.list { overflow: hidden }
li + li { border-block-start: 1px solid var(--border) }
li button { display: grid; position: relative; grid-template-columns: auto minmax(0, 1fr) auto auto auto; gap: 0 1.25rem; justify-content: stretch; justify-items: start; width: 100%; padding: .875rem 1.25rem; border: 0; border-radius: 0; box-shadow: none; text-align: start }
li button:focus-visible { outline-offset: -3px }
.bar { position: absolute; inset-inline: 0; inset-block-end: 0; height: .1875rem; background: none }
.bar i { display: block; height: 100%; background: var(--amber-fill); transition: width .4s linear }
.bar[data-state=restoring_backup] i { background: var(--blue) }
.age { text-align: end; line-height: 1.35 }
.tile { display: grid; place-items: center; width: 2.5rem; height: 2.5rem; --tone: var(--accent); border-radius: var(--radius) }
.who { min-width: 0; max-width: 100% }
strong { display: block; font-weight: 600; overflow: hidden; text-overflow: ellipsis }
.slots { text-align: end; line-height: 1.35 }
.chevron { display: flex; color: var(--muted) }
.none { padding: 2rem; text-align: center }
@container (inline-size < 36rem) { .age { display: none } li button { grid-template-columns: auto minmax(0, 1fr) auto auto; gap: 0 .75rem } }
@container (inline-size < 24rem) { li button { padding-inline: 1rem; grid-template-columns: minmax(0, 1fr) auto auto } .tile { display: none } }
@media (forced-colors: active) { .bar i { forced-color-adjust: none; background: Highlight } .chips button[aria-pressed=true] { border: 2px solid Highlight !important } }
`;

class Item {
  #name = h('strong', { dir: 'auto' });
  #status = h('span', { class: 'state small' });
  #progress = h('span', { class: 'muted small numbers' });
  #age = h('span', { class: 'numbers' });
  #fill = h('i');
  #bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, this.#fill);
  #slots = h('bdi', { class: 'numbers', dir: 'ltr' });
  /** @type {Vps | undefined} */
  #shown;

  /** @param {Vps} vps @param {(vps: string) => void} open */
  constructor({ vps }, open) {
    const button = h(
      'button',
      { type: 'button', part: 'vps', 'data-vps': vps, onclick: () => open(vps) },
      h('span', { class: 'tile tint' }, icon('server')),
      h('span', { class: 'who' }, this.#name, this.#status, ' ', this.#progress),
      h('span', { class: 'age' }, this.#age, h('br'), h('span', { class: 'muted small' }, t('Last backup'))),
      h('span', { class: 'slots' }, this.#slots, h('br'), h('span', { class: 'muted small' }, t('Backups'))),
      h('span', { class: 'chevron' }, icon('chevron')),
      this.#bar,
    );
    this.element = h('li', {}, button);
  }

  /** @param {Vps} vps */
  update(vps) {
    const created = latestGood(vps)?.created_at;
    text(this.#age, created ? ago(created) : '–');
    if (vps === this.#shown) return;
    this.#shown = vps;
    this.#bar.hidden = !vps.operation;
    set(this.#bar, { 'data-state': vps.status });
    this.#fill.style.width = `${vps.operation?.progress ?? 0}%`;
    const { name, status, operation, slots: { used, total } } = vps;
    text(this.#name, name);
    text(this.#status, statusWord(status));
    set(this.#status, { 'data-state': status });
    text(this.#progress, operation ? percent(operation.progress) : '');
    text(this.#slots, t('{used} / {total}', { used: count(used), total: count(total) }));
  }
}

export class View {
  #host;
  #search = h('input', { type: 'search', 'aria-label': t('Search'), placeholder: t('Search'), autocomplete: 'off', oninput: () => this.update() });
  #filter = 'all';
  #chips = h('div', { class: 'chips', role: 'group', 'aria-label': t('Show') });
  #bulkLabel = h('span');
  #bulk = button({ class: 'bulk', part: 'bulk' }, () => this.#host.ask('createAll', this.#shown.filter(({ can_create: { allowed } }) => allowed)), icon('archive'), this.#bulkLabel);
  #tools = h('div', { class: 'tools' }, this.#search, this.#chips, this.#bulk);
  /** @type {Vps[]} */
  #shown = [];
  #list = h('ul', { class: 'list box', part: 'vps-list', 'aria-label': t('Your VPSs') });
  #none = h('p', { class: 'none muted', role: 'status' });
  /** @type {Map<string | number, Item>} */
  #rows = new Map();

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
    host.root.adoptedStyleSheets.push(fields, sheet);
    for (const [name, label] of FILTERS)
      this.#chips.append(button({ 'data-filter': name, part: 'filter' }, () => this.#choose(name), h('span', {}, label()), h('span', { class: 'numbers' })));
    host.root.append(this.#tools, this.#list, this.#none);
  }

  /** @param {string} filter */
  #choose(filter) {
    this.#filter = filter;
    this.update();
  }

  /** @param {Vps[]} all */
  #updateChips(all) {
    for (const [index, [name, , fits]] of FILTERS.entries()) {
      const chip = this.#chips.children[index];
      const its = all.filter(fits).length;
      set(chip, { 'aria-pressed': String(name === this.#filter), hidden: name !== 'all' && name !== this.#filter && !its });
      text(/** @type {Element} */ (chip.lastChild), count(its));
    }
    this.#chips.hidden = all.length < 2;
  }

  /** @param {Vps[]} found */
  #updateBulk(found) {
    const able = found.filter(({ can_create: { allowed } }) => allowed).length;
    this.#bulk.hidden = found.length < 2 || !this.#host.store?.may('backup.create');
    text(this.#bulkLabel, tn('Back up {count} VPS', 'Back up {count} VPSs', able));
    disable(this.#bulk, this.#host.offline ?? (able ? null : t('None of these can be backed up now.')));
  }

  focus() {
    this.#list.querySelector('button')?.focus();
  }

  update() {
    const all = [...(this.#host.store?.state.vps.values() ?? [])];
    this.#search.hidden = all.length <= MANY;
    const wanted = this.#search.hidden ? '' : this.#search.value.trim().toLowerCase();
    const named = all.filter(({ name, vps }) => name.toLowerCase().includes(wanted) || vps === wanted);
    this.#updateChips(named);
    const found = named.filter(FILTERS.find(([name]) => name === this.#filter)?.[2] ?? (() => true));
    found.sort((a, b) => a.name.localeCompare(b.name));
    this.#shown = found;
    this.#updateBulk(found);
    keyed(this.#list, this.#rows, found, ({ vps }) => vps, (vps) => new Item(vps, (its) => this.#host.emit('vps-backup-open', { vps: its, view: 'overview' })));
    this.#list.hidden = !found.length;
    text(this.#none, !found.length && (wanted || this.#filter !== 'all') ? t('There is no such VPS.') : '');
    this.#none.hidden = this.#none.textContent === '';
  }
}
