// SPDX-License-Identifier: LGPL-2.1-or-later
// The head of a VPS's page: name, status in words and colour, power; below it the cards.

/** @import { PowerAction, Vps } from '../types' */

import { BackupElement } from './base.js';
import { ask, checkbox } from './dialog.js';
import { button, disable, h, icon, set, text } from '../dom.js';
import { css } from '../theme.js';
import { percent } from '../format.js';
import { errorWords, lockedWords, powerlessWords, statusWord } from '../words.js';
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
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: 1rem }
:host([compact]) .cards { display: none }
@container (inline-size < 36rem) {
  .side { width: 100%; justify-items: stretch }
  .power button { flex: 1 1 auto; padding-inline: .5rem }
  .why { text-align: start; margin: 0 }
  .nav { margin-block: 1rem 1.5rem }
}
@container (inline-size < 20rem) { .power .icon { display: none } }
`;

/** @type {[PowerAction, 'play' | 'power' | 'restart', () => string][]} */
const ACTIONS = [
  ['start', 'play', () => t('Start')],
  ['stop', 'power', () => t('Stop')],
  ['restart', 'restart', () => t('Restart')],
];

export class Overview extends BackupElement {
  static sheets = [sheet];

  /** @type {Map<PowerAction, HTMLElement>} */
  #buttons = new Map();
  #name = h('h2', { part: 'name', class: 'name' });
  #status = h('span', { part: 'status', class: 'state' });
  #progress = h('span', { class: 'muted numbers' });
  #why = h('p', { part: 'power-reason', class: 'why muted small', id: 'why' });
  #said = h('p', { role: 'status', class: 'unseen' });
  #last = '';
  #failure = '';

  build() {
    for (const [action, iconName, label] of ACTIONS)
      this.#buttons.set(
        action,
        button({ part: `power ${action}` }, () => this.#power(action), icon(iconName), label()),
      );
    const cards = ['backups', 'latest', 'slots'].map((kind) => document.createElement('vps-backup-card')).map((card, index) => {
      set(card, { kind: ['backups', 'latest', 'slots'][index], exportparts: 'card, counter' });
      return card;
    });
    this.root.append(
      h(
        'header',
        { part: 'header' },
        h(
          'div',
          { class: 'identity' },
          h('span', { class: 'tile tint' }, icon('server')),
          h('div', { class: 'grow' }, this.#name, h('p', { class: 'status' }, this.#status, this.#progress)),
        ),
        h(
          'div',
          { class: 'side' },
          h('div', { class: 'power', part: 'power', role: 'group', 'aria-label': t('Power') }, ...this.#buttons.values()),
          this.#why,
        ),
      ),
      h('slot', { name: 'nav', class: 'nav' }),
      h('div', { class: 'cards', part: 'cards' }, ...cards, h('slot', {})),
      this.#said,
    );
  }

  update() {
    const { data } = this;
    for (const card of this.root.querySelectorAll('vps-backup-card')) {
      Object.assign(card, { store: this.store });
      set(card, { vps: this.vps });
    }
    text(this.#name, data?.name ?? t('Loading'));
    text(this.#status, data ? statusWord(data.status) : t('Loading'));
    set(this.#status, { 'data-state': data?.status });
    for (const element of [this.#name, this.#status]) element.classList.toggle('loading', !data);
    text(this.#progress, data?.operation ? percent(data.operation.progress) : '');
    this.#updatePower(data);
    this.#announce(data);
  }

  /** @param {Vps | undefined} data */
  #updatePower(data) {
    const allowed = this.store?.may('power') ?? false;
    const locked = this.offline ?? (data?.operation ? lockedWords(data) : null);
    text(this.#why, (data && allowed && locked) || this.#failure);
    for (const [action, element] of this.#buttons) {
      element.hidden = !!this.store?.state.info && !allowed;
      set(element, { 'aria-describedby': locked && 'why' });
      disable(element, data?.power_actions[action] && !locked ? null : (locked ?? (data ? powerlessWords(data, action) : '')));
    }
  }

  /** @param {Vps | undefined} data */
  #announce(data) {
    if (!data || data.status === this.#last) return;
    if (this.#last) text(this.#said, t('{name}: {status}', { name: data.name, status: statusWord(data.status) }));
    this.#last = data.status;
    const { vps, status, power, operation } = data;
    this.emit('vps-backup-status', { vps, status, power, operation });
  }

  /** Nothing is lost by it: no question. */
  async #start() {
    const start = this.#buttons.get('start');
    if (start) set(start, { 'aria-busy': 'true', 'aria-disabled': 'true' });
    this.#failure = '';
    try {
      await this.store?.power(this.vps, 'start', false);
    } catch (error) {
      this.#failure = errorWords(error);
    }
    if (start) set(start, { 'aria-busy': null });
    this.update();
  }

  /** @param {PowerAction} action */
  #power(action) {
    const { store, data, vps } = this;
    if (!store || !data) return;
    const act = (/** @type {boolean} */ force) => store.power(vps, action, force);
    if (action === 'start') {
      this.#start();
      return;
    }
    const stop = action === 'stop';
    ask(this.root, {
      title: stop ? t('Stop {name}?', { name: data.name }) : t('Restart {name}?', { name: data.name }),
      body: [
        stop
          ? t('The system is asked to shut down. Its services are not available until you start it again.')
          : t('The system is asked to reboot. Its services are not available for a short while.'),
        checkbox('force', t('Force it'), t('For a system that does not answer. Unsaved data is lost.')),
      ],
      confirm: stop ? t('Stop') : t('Restart'),
      danger: true,
      act: (form) => act(form.has('force')),
    });
  }
}
