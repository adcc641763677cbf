// SPDX-License-Identifier: LGPL-2.1-or-later
// The bell with what is unread, and who is told of outcomes as they come. What the bell opens and toasts are files of their own.

/** @import { BackupNotification } from '../types' */
/** @import { IconName } from '../dom.js' */

import { BackupElement } from './base.js';
import { button, h, icon, set, text } from '../dom.js';
import { css } from '../theme.js';
import { count } from '../format.js';
import { t, tn } from '../i18n.js';

const sheet = css`
:host { display: inline-block }
.bell { position: relative }
.unread { position: absolute; inset-block-start: 0; inset-inline-end: 0; min-width: 1.125rem; height: 1.125rem; padding-inline: .25rem; border-radius: 1rem; background: var(--red); color: light-dark(#fff, #2b0a0a); font-size: .6875rem; font-weight: 700; line-height: 1.125rem }
[popover] { position: fixed; margin: 0; padding: 0; border: 0; color: inherit; background: none; overflow: visible }
.mark { display: grid; place-items: center; flex: none; width: 2rem; height: 2rem; border-radius: 50% }
.mark .icon { width: 1.0625rem; height: 1.0625rem }
.green { --tone: var(--green) } .red { --tone: var(--red) } .amber { --tone: var(--amber) }
strong { font-weight: 600 }
`;

/** @type {Record<string, IconName>} */
export const MARKS = { green: 'check', red: 'warning', amber: 'clock' };

export class Notifications extends BackupElement {
  static observedAttributes = [...BackupElement.observedAttributes, 'service-worker', 'push-url'];
  static sheets = [sheet];

  #unread = h('span', { class: 'unread numbers', part: 'unread', 'aria-hidden': 'true' });
  #bell = button({ class: 'icon-button bell', part: 'bell', 'aria-haspopup': 'dialog' }, () => this.#open().catch(() => {}), icon('bell'), this.#unread);
  /** @type {import('./toasts.js').Toasts | undefined} */
  #toasts;
  #polite = h('div', { role: 'status', class: 'unseen' });
  #urgent = h('div', { role: 'alert', class: 'unseen' });
  /** @type {import('./notification-list.js').List | undefined} */
  #list;
  #confirmed = false;
  #led = (/** @type {MessageEvent} */ event) => this.#lead(event.data);

  build() {
    this.root.append(this.#bell, this.#polite, this.#urgent);
  }

  connectedCallback() {
    super.connectedCallback();
    globalThis.navigator.serviceWorker?.addEventListener('message', this.#led);
  }

  disconnectedCallback() {
    globalThis.navigator.serviceWorker?.removeEventListener('message', this.#led);
    super.disconnectedCallback();
  }

  /** @param {import('../store.js').Store} store */
  joined(store) {
    return [store.onNotification((notification) => this.#arrived(notification).catch(() => {}))];
  }

  update() {
    const notifications = this.store?.state.notifications ?? [];
    const unread = notifications.filter(({ read }) => !read).length;
    this.#unread.hidden = !unread;
    text(this.#unread, unread > 99 ? t('99+') : count(unread));
    set(this.#bell, {
      'aria-label': unread ? tn('Notifications, {count} unread', 'Notifications, {count} unread', unread) : t('Notifications'),
      title: t('Notifications'),
      'aria-expanded': String(!!this.#list?.open),
    });
    this.#confirmPush().catch(() => {});
    if (!this.#list?.open) return;
    this.#list.update(notifications);
    if (unread) this.store?.markRead().catch(() => {});
  }

  prefetch() {
    return import('./notification-list.js');
  }

  async #open() {
    // Without a connection there may be no way to load it: the next time, then.
    const { List } = await this.prefetch();
    if (!this.#list) {
      this.#list = new List(this, this.#bell);
      this.#bell.after(this.#list.element);
    }
    this.#list.toggle();
    // What is in the list need not lie over the page, too.
    this.#toasts?.clear();
  }

  /** Where somebody has pressed a notification that came with the page in the background. @param {{type?: string, vps?: string}} message */
  #lead({ type, vps }) {
    if (type === 'vps-backup-open') this.emit(type, { vps, view: 'backups' });
  }

  /** Once a visit, and only where it has been turned on. */
  async #confirmPush() {
    if (this.#confirmed || !this.store?.state.info || !this.vps || globalThis.Notification?.permission !== 'granted') return;
    this.#confirmed = true;
    const { Push } = await import('../push.js');
    await new Push(this).confirm();
  }

  /** @param {BackupNotification} notification */
  async #arrived(notification) {
    if (!this.emit('vps-backup-notification', notification)) return;
    const [{ Toasts }, { notificationWords }] = await Promise.all([import('./toasts.js'), import('../outcomes.js')]);
    const { title, body, tone } = notificationWords(notification);
    text(tone === 'green' ? this.#polite : this.#urgent, `${notification.vps_name}: ${title}. ${body}`);
    this.#toasts ??= new Toasts(this.root);
    this.#toasts.add(notification);
  }
}
