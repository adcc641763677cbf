// SPDX-License-Identifier: LGPL-2.1-or-later
// All VPSs of a token: which of them, how they are, and how many backups each has. Loaded when it is first shown.

/** @import { Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { fields } from './dialog.js';
import { h, icon, keyed, set, text } from '../dom.js';
import { count, percent } from '../format.js';
import { css } from '../theme.js';
import { statusWord } from '../words.js';
import { t } from '../i18n.js';

/** With more of them a reader searches. */
const MANY = 8;

const sheet = css`
:host { container-type: inline-size }
input { margin-block-end: 1rem; max-width: 22rem }
.list { overflow: hidden }
li + li { border-block-start: 1px solid var(--border) }
button { display: grid; grid-template-columns: auto minmax(0, 1fr) auto auto; gap: 0 1rem; justify-content: stretch; justify-items: start; width: 100%; padding: .875rem 1.25rem; border: 0; border-radius: 0; box-shadow: none; text-align: start }
button:focus-visible { outline-offset: -3px }
.tile { display: grid; place-items: center; width: 2.5rem; height: 2.5rem; --tone: var(--accent); border-radius: var(--radius) }
.who { min-width: 0; max-width: 100% }
strong { display: block; font-weight: 600; overflow: hidden; text-overflow: ellipsis }
.slots { text-align: end; line-height: 1.35 }
.chevron { display: flex; color: var(--muted) }
.none { padding: 2rem; text-align: center }
@container (inline-size < 24rem) { button { padding-inline: 1rem } .tile { display: none } button { grid-template-columns: minmax(0, 1fr) auto auto } }
`;

class Item {
  #name = h('strong', { dir: 'auto' });
  #status = h('span', { class: 'state small' });
  #progress = h('span', { class: 'muted small numbers' });
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
      h('span', { class: 'slots' }, this.#slots, h('br'), h('span', { class: 'muted small' }, t('Backups'))),
      h('span', { class: 'chevron' }, icon('chevron')),
    );
    this.element = h('li', {}, button);
  }

  /** @param {Vps} vps */
  update(vps) {
    if (vps === this.#shown) return;
    this.#shown = vps;
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
  #list = h('ul', { class: 'list box', part: 'vps-list', 'aria-label': t('Your VPSs') });
  #none = h('p', { class: 'none muted', role: 'status' });
  /** @type {Map<string | number, Item>} */
  #rows = new Map();

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
    host.root.adoptedStyleSheets.push(fields, sheet);
    host.root.append(this.#search, this.#list, this.#none);
  }

  focus() {
    this.#list.querySelector('button')?.focus();
  }

  update() {
    const all = [...(this.#host.store?.state.vps.values() ?? [])];
    this.#search.hidden = all.length <= MANY;
    const wanted = this.#search.hidden ? '' : this.#search.value.trim().toLowerCase();
    const found = all.filter(({ name, vps }) => name.toLowerCase().includes(wanted) || vps === wanted);
    found.sort((a, b) => a.name.localeCompare(b.name));
    keyed(this.#list, this.#rows, found, ({ vps }) => vps, (vps) => new Item(vps, (its) => this.#host.emit('vps-backup-open', { vps: its, view: 'overview' })));
    this.#list.hidden = !found.length;
    text(this.#none, wanted && !found.length ? t('There is no such VPS.') : '');
    this.#none.hidden = this.#none.textContent === '';
  }
}
