// SPDX-License-Identifier: LGPL-2.1-or-later
// The bell with what is unread, the list behind it, and a toast for each outcome as it comes.

/** @import { Notification } from '../types' */
/** @import { IconName } from '../dom.js' */

import { BackupElement } from './base.js';
import { button, h, icon, iconButton, keyed, set, text } from '../dom.js';
import { css } from '../theme.js';
import { ago, count, fullDate } from '../format.js';
import { notificationWords } from '../words.js';
import { line, t, tn } from '../i18n.js';

const TOAST_MS = 8000;
const SHOWN = 50;
const MINUTE_MS = 60000;

const sheet = css`
:host { display: inline-block }
.bell { position: relative }
.unread { position: absolute; inset-block-start: -.125rem; inset-inline-end: -.125rem; min-width: 1.125rem; height: 1.125rem; padding-inline: .25rem; border-radius: 1rem; background: var(--red); color: light-dark(#fff, #2b0a0a); font-size: .6875rem; font-weight: 700; line-height: 1.125rem }
[popover] { position: fixed; margin: 0; padding: 0; border: 0; color: inherit; background: none; overflow: visible }
.list { inset: auto; width: min(24rem, calc(100vw - 1.5rem)); max-height: min(32rem, calc(100dvh - 6rem)); border-radius: var(--radius); background: var(--surface); box-shadow: var(--raised); overflow: auto }
.list:popover-open { animation: rise .16s ease-out }
.list h2 { position: sticky; inset-block-start: 0; z-index: 1; padding: .875rem 1.125rem; font-size: 1em; background: var(--surface); border-block-end: 1px solid var(--border) }
.list li { display: flex; gap: .75rem; padding: .75rem 1.125rem; position: relative }
.list li + li { border-block-start: 1px solid var(--border) }
.list li.fresh { background: color-mix(in srgb, var(--accent) 7%, var(--surface)) }
.list li.fresh strong::after { content: ''; display: inline-block; width: .4375rem; height: .4375rem; margin-inline-start: .5rem; border-radius: 50%; background: var(--accent); vertical-align: middle }
.mark { display: grid; place-items: center; flex: none; width: 2rem; height: 2rem; border-radius: 50% }
.mark .icon { width: 1.0625rem; height: 1.0625rem }
.green { --tone: var(--green) } .red { --tone: var(--red) } .amber { --tone: var(--amber) }
strong { font-weight: 600 }
.none { padding: 2rem 1.125rem; text-align: center }
.push { position: sticky; inset-block-end: 0; padding: .75rem 1.125rem; background: var(--surface); border-block-start: 1px solid var(--border) }
.toasts { inset: auto; inset-block-end: 1rem; inset-inline-end: 1rem; width: min(22rem, calc(100vw - 2rem)) }
.toasts:popover-open { display: grid; gap: .5rem }
.toast { display: flex; gap: .75rem; padding: .875rem 1rem; border-radius: var(--radius); background: var(--surface); box-shadow: var(--raised); animation: rise .2s ease-out }
.toast .icon-button { margin: -.375rem -.5rem auto auto; margin-inline: auto -.5rem }
`;

/** @type {Record<string, IconName>} */
const MARKS = { green: 'check', red: 'warning', amber: 'clock' };

class Item {
  #title = h('strong');
  #body = h('p', { class: 'small name' });
  #when = h('time', { class: 'muted small' });
  #mark = h('span');

  /** @param {Notification} notification */
  constructor(notification) {
    const { tone } = notificationWords(notification);
    set(this.#mark, { class: `mark tint ${tone}` });
    this.#mark.append(icon(MARKS[tone]));
    this.element = h('li', { part: 'notification' }, this.#mark, h('div', { class: 'grow' }, this.#title, this.#body, this.#when));
  }

  /** @param {{notification: Notification, fresh: boolean}} shown */
  update({ notification, fresh }) {
    const { title, body } = notificationWords(notification);
    text(this.#title, title);
    text(this.#body, body);
    set(this.#when, { datetime: notification.created_at, title: fullDate(notification.created_at) });
    text(this.#when, line([notification.vps_name, ago(notification.created_at, Date.now())]));
    this.element.classList.toggle('fresh', fresh);
  }
}

export class Notifications extends BackupElement {
  static observedAttributes = [...BackupElement.observedAttributes, 'service-worker', 'push-url'];
  static sheets = [sheet];

  #unread = h('span', { class: 'unread numbers', part: 'unread', 'aria-hidden': 'true' });
  #bell = button({ class: 'icon-button bell', part: 'bell', 'aria-haspopup': 'dialog' }, () => this.#toggle(), icon('bell'), this.#unread);
  #items = h('ul');
  #none = h('p', { class: 'none muted' }, t('Nothing has happened yet.'));
  #list = h('div', { popover: 'auto', class: 'list', part: 'notifications', role: 'dialog', 'aria-label': t('Notifications'), tabindex: 0 });
  #toasts = h('div', { popover: 'manual', class: 'toasts', part: 'toasts' });
  #polite = h('div', { role: 'status', class: 'unseen' });
  #urgent = h('div', { role: 'alert', class: 'unseen' });
  /** @type {Map<string | number, Item>} */
  #rows = new Map();
  /** Unread when the list was opened: they keep their mark until it is closed. @type {Set<number>} */
  #fresh = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  #confirmed = false;
  /** @type {import('./push-switch.js').PushSwitch | undefined} */
  #switch;
  #led = (/** @type {MessageEvent} */ event) => this.#lead(event.data);

  build() {
    this.#list.append(h('h2', {}, t('Notifications')), this.#none, this.#items);
    this.#list.addEventListener('toggle', () => this.#toggled());
    this.root.append(this.#bell, this.#list, this.#toasts, this.#polite, this.#urgent);
  }

  connectedCallback() {
    super.connectedCallback();
    globalThis.navigator.serviceWorker?.addEventListener('message', this.#led);
    this.#clock = setInterval(() => this.#open && this.update(), MINUTE_MS);
  }

  disconnectedCallback() {
    clearInterval(this.#clock);
    globalThis.navigator.serviceWorker?.removeEventListener('message', this.#led);
    super.disconnectedCallback();
  }

  /** @param {import('../store.js').Store} store */
  joined(store) {
    return [store.onNotification((notification) => this.#arrived(notification))];
  }

  update() {
    const notifications = this.store?.state.notifications ?? [];
    const unread = notifications.filter(({ read }) => !read).length;
    this.#unread.hidden = !unread;
    text(this.#unread, unread > 99 ? t('99+') : count(unread));
    set(this.#bell, {
      'aria-label': unread ? tn('Notifications, {count} unread', 'Notifications, {count} unread', unread) : t('Notifications'),
      title: t('Notifications'),
      'aria-expanded': String(this.#open),
    });
    this.#confirmPush().catch(() => {});
    if (!this.#open) return;
    this.#none.hidden = notifications.length > 0;
    const newest = notifications.slice(-SHOWN).reverse();
    for (const { id, read } of newest) if (!read) this.#fresh.add(id);
    const shown = newest.map((notification) => ({ notification, fresh: this.#fresh.has(notification.id) }));
    keyed(this.#items, this.#rows, shown, ({ notification }) => notification.id, ({ notification }) => new Item(notification));
    if (unread) this.store?.markRead().catch(() => {});
  }

  get #open() {
    return this.#list.matches(':popover-open');
  }

  #toggle() {
    if (this.#open) {
      this.#list.hidePopover();
      return;
    }
    this.#list.showPopover();
    this.#place();
    this.#list.focus();
    this.update();
    // Without a connection there may be no way to load it: the next time, then.
    this.#offerPush().catch(() => {});
  }

  /** Where somebody has pressed a notification that came with the page in the background. @param {{type?: string, vps?: string}} message */
  #lead({ type, vps }) {
    if (type === 'vps-backup-open') this.emit(type, { vps, view: 'backups' });
  }

  async #push() {
    const { Push } = await import('../push.js');
    return new Push(this);
  }

  async #offerPush() {
    const [push, { PushSwitch }] = await Promise.all([this.#push(), import('./push-switch.js')]);
    this.#switch ??= new PushSwitch(push);
    this.#list.append(this.#switch.element);
    this.#switch.update(this.offline);
  }

  /** Once a visit, and only where it has been turned on. */
  async #confirmPush() {
    if (this.#confirmed || !this.store?.state.info || !this.vps || globalThis.Notification?.permission !== 'granted') return;
    this.#confirmed = true;
    await (await this.#push()).confirm();
  }

  #toggled() {
    if (!this.#open) {
      this.#fresh.clear();
      if (this.root.activeElement && this.#list.contains(this.root.activeElement)) this.#bell.focus();
    }
    this.update();
  }

  /** Below the bell, its end at the bell's end, within the window. */
  #place() {
    const bell = this.#bell.getBoundingClientRect();
    const { width } = this.#list.getBoundingClientRect();
    const rtl = this.matches(':dir(rtl)');
    const start = rtl ? bell.left : bell.right - width;
    const left = Math.max(12, Math.min(start, document.documentElement.clientWidth - width - 12));
    this.#list.style.left = `${left}px`;
    this.#list.style.top = `${bell.bottom + 6}px`;
    // What stands at its end must not be below the window; with hardly any room it covers the bell.
    const room = document.documentElement.clientHeight - bell.bottom - 18;
    if (room < 240) this.#list.style.top = '12px';
    else this.#list.style.maxHeight = `min(32rem, ${room}px)`;
  }

  /** @param {Notification} notification */
  #arrived(notification) {
    if (!this.emit('vps-backup-notification', notification)) return;
    const { title, body, tone } = notificationWords(notification);
    const name = notification.vps_name;
    const toast = h(
      'div',
      { class: 'toast', part: 'toast', 'data-type': notification.type },
      h('span', { class: `mark tint ${tone}` }, icon(MARKS[tone])),
      h('div', { class: 'grow' }, h('strong', {}, title), h('p', { class: 'small name' }, body), h('p', { class: 'muted small name' }, name)),
      iconButton('close', t('Dismiss'), 'dismiss', () => this.#remove(toast)),
    );
    this.#toasts.append(toast);
    if (!this.#toasts.matches(':popover-open')) this.#toasts.showPopover();
    text(tone === 'green' ? this.#polite : this.#urgent, `${name}: ${title}. ${body}`);
    if (tone === 'green') this.#expire(toast);
  }

  /** Waits for as long as somebody points at it or is in it. @param {HTMLElement} toast */
  #expire(toast) {
    setTimeout(() => (toast.matches(':hover, :focus-within') ? this.#expire(toast) : this.#remove(toast)), TOAST_MS);
  }

  /** @param {HTMLElement} toast */
  #remove(toast) {
    toast.remove();
    if (!this.#toasts.childElementCount && this.#toasts.matches(':popover-open')) this.#toasts.hidePopover();
  }
}
