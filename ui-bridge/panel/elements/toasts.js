// SPDX-License-Identifier: LGPL-2.1-or-later
// An outcome as it comes. Loaded with the first one.

/** @import { BackupNotification } from '../types' */

import { MARKS } from './notifications.js';
import { h, icon, iconButton } from '../dom.js';
import { css } from '../theme.js';
import { notificationWords } from '../outcomes.js';
import { t } from '../i18n.js';

const TOAST_MS = 8000;

const sheet = css`
.toasts { inset: auto; inset-block-end: 1rem; inset-inline-end: 1rem; width: min(22rem, calc(100vw - 2rem)) }
.toasts:popover-open { display: grid; gap: .5rem }
.toast { display: flex; gap: .75rem; padding: .875rem 1rem; border-radius: var(--radius); background: var(--surface); box-shadow: var(--raised); animation: rise .2s ease-out }
.toast .icon-button { margin-block: -.375rem auto; margin-inline: auto -.5rem }
`;

export class Toasts {
  #element = h('div', { popover: 'manual', class: 'toasts', part: 'toasts' });

  /** @param {ShadowRoot} root */
  constructor(root) {
    root.adoptedStyleSheets.push(sheet);
    root.append(this.#element);
  }

  /** @param {BackupNotification} notification */
  add(notification) {
    const { title, body, tone } = notificationWords(notification);
    const toast = h(
      'div',
      { class: 'toast', part: 'toast', 'data-type': notification.type },
      h('span', { class: `mark tint ${tone}` }, icon(MARKS[tone])),
      h('div', { class: 'grow' }, h('strong', {}, title), h('p', { class: 'small name' }, body), h('p', { class: 'muted small name' }, notification.vps_name)),
      iconButton('close', t('Dismiss'), 'dismiss', () => this.#remove(toast)),
    );
    this.#element.append(toast);
    if (!this.#element.matches(':popover-open')) this.#element.showPopover();
    if (tone === 'green') this.#expire(toast);
  }

  clear() {
    for (const toast of [...this.#element.children]) this.#remove(/** @type {HTMLElement} */ (toast));
  }

  /** Waits for as long as somebody points at it or is in it. @param {HTMLElement} toast */
  #expire(toast) {
    setTimeout(() => (toast.matches(':hover, :focus-within') ? this.#expire(toast) : this.#remove(toast)), TOAST_MS);
  }

  /** @param {HTMLElement} toast */
  #remove(toast) {
    toast.remove();
    if (!this.#element.childElementCount && this.#element.matches(':popover-open')) this.#element.hidePopover();
  }
}
