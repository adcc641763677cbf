// SPDX-License-Identifier: LGPL-2.1-or-later
// The switch below the list of notifications: be told with the page closed, too. Loaded when the list is opened.

/** @import { Push, PushState } from '../push.js' */

import { button, disable, h, set, text } from '../dom.js';
import { errorWords } from '../words.js';
import { ConnectionLost, RpcError } from '../transport.js';
import { t } from '../i18n.js';

/** @type {Record<PushState, () => string>} */
const WORDS = {
  unavailable: () => '',
  blocked: () => t('Notifications are blocked. Allow them for this page in the settings of your browser.'),
  off: () => t('Be notified even when this page is closed.'),
  on: () => t('You are notified even when this page is closed.'),
};

export class PushSwitch {
  #push;
  #words = h('p', { class: 'small grow', role: 'status' });
  #button = button({ part: 'push-switch' }, () => this.#press());
  element = h('div', { class: 'push row', part: 'push', hidden: true }, this.#words, this.#button);
  /** @type {PushState} */
  #state = 'unavailable';
  #failure = '';

  /** @param {Push} push */
  constructor(push) {
    this.#push = push;
  }

  /** @param {string | null} offline why nothing can be changed right now */
  async update(offline) {
    if (!offline) this.#state = await this.#push.state().catch(() => this.#state);
    const { element } = this;
    element.hidden = this.#state === 'unavailable';
    text(this.#words, this.#failure || WORDS[this.#state]());
    this.#words.classList.toggle('error', !!this.#failure);
    this.#button.hidden = this.#state === 'blocked';
    text(this.#button, this.#state === 'on' ? t('Turn off') : t('Turn on'));
    disable(this.#button, offline);
  }

  async #press() {
    set(this.#button, { 'aria-busy': 'true', 'aria-disabled': 'true' });
    this.#failure = '';
    try {
      await (this.#state === 'on' ? this.#push.turnOff() : this.#push.turnOn());
    } catch (error) {
      const told = error instanceof RpcError || error instanceof ConnectionLost;
      this.#failure = told ? errorWords(error) : t('Your browser could not be registered for notifications. Try again later.');
    }
    set(this.#button, { 'aria-busy': null });
    await this.update(null);
  }
}
