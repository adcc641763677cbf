// SPDX-License-Identifier: LGPL-2.1-or-later
// The head of a VPS's page: name, status in words and colour, power; below it the cards.

/** @import { PowerAction, Vps } from '../types' */

import { attempt, BackupElement } from './base.js';
import { Menu, menuSheet } from './menu.js';
import { button, disable, h, icon, set, text } from '../dom.js';
import { css } from '../theme.js';
import { percent } from '../format.js';
import { lockedWords, powerlessWords, statusWord } from '../words.js';
import { t } from '../i18n.js';

const sheet = css`
:host { container-type: inline-size }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 1rem 1.5rem }
.tile { display: grid; place-items: center; flex: none; width: 3rem; height: 3rem; --tone: var(--accent); border-radius: var(--radius) }
.tile .icon { width: 1.5rem; height: 1.5rem }
.identity { display: flex; align-items: center; gap: .875rem; flex: 1 1 14rem; min-width: 0 }
h2 { font-size: 1.5em; letter-spacing: -.02em }
.status { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .5rem; min-height: 1.5em }
.power { display: flex; flex-wrap: wrap; gap: .5rem }
.side { display: grid; gap: .25rem; justify-items: end }
.why { min-height: 1.5em; text-align: end; margin-block-end: -1.75em }
.nav { display: block; margin-block: 1.75rem }
.cards { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; align-items: start }
vps-backup-summary { min-height: 17rem }
.more { display: none }
:host([compact]) .cards, :host([bare]) header { display: none }
:host([bare]) .nav { margin-block: 0 1.5rem }
@container (inline-size >= 52rem) { .cards { grid-template-columns: minmax(0, 5fr) minmax(0, 3fr) } }
@container (inline-size < 36rem) {
  header { gap: .25rem 1rem }
  .tile { display: none }
  .identity { align-items: start; flex-basis: 100% }
  h2 { font-size: 1.3333em }
  .power { display: none }
  .more { display: block; margin-block: -.25rem; margin-inline-end: -.625rem }
  .side { width: 100%; justify-items: stretch }
  .why { text-align: start; margin: 0; min-height: 0 }
  .nav { margin-block: .5rem 1rem }
}
`;

/** Below the head, in this order. */
const CARDS = ['summary', 'activity'];

/** @type {[PowerAction, 'play' | 'power' | 'restart', () => string][]} */
const ACTIONS = [
  ['start', 'play', () => t('Start')],
  ['stop', 'power', () => t('Stop')],
  ['restart', 'restart', () => t('Restart')],
];

export class Overview extends BackupElement {
  static observedAttributes = [...BackupElement.observedAttributes, 'compact'];
  static sheets = [menuSheet, sheet];

  /** @type {Map<PowerAction, HTMLElement>} */
  #buttons = new Map();
  #name = h('h2', { part: 'name', class: 'name' });
  #status = h('span', { part: 'status', class: 'state' });
  #progress = h('span', { class: 'muted numbers' });
  #why = h('p', { part: 'power-reason', class: 'why muted small', id: 'why' });
  #menu = new Menu();
  #cards = h('div', { class: 'cards', part: 'cards' }, h('slot'));
  #said = h('p', { role: 'status', class: 'unseen' });
  #last = '';
  #failure = '';

  build() {
    for (const [action, iconName, label] of ACTIONS)
      this.#buttons.set(action, button({ part: `power ${action}` }, () => this.#power(action), icon(iconName), label()));
    this.root.append(
      h(
        'header',
        { part: 'header' },
        h(
          'div',
          { class: 'identity' },
          h('span', { class: 'tile tint' }, icon('server')),
          h('div', { class: 'grow' }, this.#name, h('p', { class: 'status' }, this.#status, this.#progress)),
          this.#menu.element,
        ),
        h(
          'div',
          { class: 'side' },
          h('div', { class: 'power', part: 'power', role: 'group', 'aria-label': t('Power') }, ...this.#buttons.values()),
          this.#why,
        ),
      ),
      h('slot', { name: 'nav', class: 'nav' }),
      this.#cards,
      this.#said,
    );
  }

  update() {
    const { data } = this;
    if (!this.has('compact')) this.#updateCards();
    text(this.#name, data?.name ?? t('Loading'));
    text(this.#status, data ? statusWord(data.status) : t('Loading'));
    set(this.#status, { 'data-state': data?.status });
    for (const element of [this.#name, this.#status]) element.classList.toggle('loading', !data);
    text(this.#progress, data?.operation ? percent(data.operation.progress) : '');
    this.#updatePower(data);
    this.#announce(data);
  }

  #updateCards() {
    if (this.#cards.childElementCount === 1)
      for (const kind of CARDS) {
        const card = document.createElement(`vps-backup-${kind}`);
        set(card, { exportparts: 'card, card-open, counter, create, create-reason, schedule-change, dialog, undo, activities, activity' });
        this.#cards.lastElementChild?.before(card);
      }
    for (const card of [...this.#cards.children].slice(0, CARDS.length)) {
      Object.assign(card, { store: this.store });
      set(card, { vps: this.vps });
    }
  }

  /** @param {Vps | undefined} data */
  #updatePower(data) {
    const allowed = this.store?.may('power') ?? false;
    const locked = this.offline ?? (data?.operation ? lockedWords(data) : null);
    text(this.#why, (data && allowed && locked) || this.#failure);
    /** @type {import('./menu.js').Action[]} */
    const actions = [];
    for (const [action, name, label] of ACTIONS) {
      const element = /** @type {HTMLElement} */ (this.#buttons.get(action));
      const lock = data?.power_actions[action] && !locked ? null : (locked ?? (data ? powerlessWords(data, action) : ''));
      element.hidden = !!this.store?.state.info && !allowed;
      set(element, { 'aria-describedby': locked && 'why' });
      disable(element, lock);
      if (!element.hidden) actions.push({ part: action, icon: name, label: label(), lock, act: () => this.#power(action) });
    }
    this.#menu.update(t('Power'), actions);
  }

  /** @param {Vps | undefined} data */
  #announce(data) {
    if (!data) return;
    const { vps, name, status, power, operation } = data;
    const before = this.#last;
    if (before === `${vps} ${status}`) return;
    this.#last = `${vps} ${status}`;
    if (before.startsWith(vps)) text(this.#said, t('{name}: {status}', { name, status: statusWord(status) }));
    this.emit('vps-backup-status', { vps, status, power, operation });
  }

  /** @param {PowerAction} action */
  async #power(action) {
    if (action !== 'start') return this.ask('power', action);
    // Nothing is lost by it: no question.
    this.#failure = await attempt(/** @type {Element} */ (this.#buttons.get(action)), () => this.store?.power(this.vps, action, false));
    this.update();
  }
}
