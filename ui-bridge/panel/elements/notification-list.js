// SPDX-License-Identifier: LGPL-2.1-or-later
// What the bell opens: the newest notifications, and the switch for those that come with the page closed. Loaded when somebody is there.

/** @import { BackupNotification } from '../types' */
/** @import { Notifications } from './notifications.js' */

import { Push } from '../push.js';
import { PushSwitch } from './push-switch.js';
import { MARKS } from './notifications.js';
import { button, h, icon, keyed, set, text } from '../dom.js';
import { css } from '../theme.js';
import { ago, fullDate } from '../format.js';
import { notificationWords } from '../outcomes.js';
import { line, t } from '../i18n.js';

const SHOWN = 50;
const MINUTE_MS = 60000;

const sheet = css`
.list { inset: auto; width: min(24rem, calc(100vw - 1.5rem)); max-height: min(32rem, calc(100dvh - 6rem)); border-radius: var(--radius); background: var(--surface); box-shadow: var(--raised); overflow: auto }
.list:popover-open { animation: rise .16s ease-out }
.list h2 { position: sticky; inset-block-start: 0; z-index: 1; padding: .875rem 1.125rem; font-size: 1em; background: var(--surface); border-block-end: 1px solid var(--border) }
.list li { display: flex; gap: .75rem; padding: .75rem 1.125rem; position: relative }
.list li + li { border-block-start: 1px solid var(--border) }
.list li.fresh { background: color-mix(in srgb, var(--accent) 7%, var(--surface)) }
.list li.fresh strong::after { content: ''; display: inline-block; width: .4375rem; height: .4375rem; margin-inline-start: .5rem; border-radius: 50%; background: var(--accent); vertical-align: middle }
.list .go { display: inline; padding: 0; min-height: 0; min-width: 0; border: 0; background: none !important; box-shadow: none; text-align: start; white-space: normal }
.list .go::after { content: ''; position: absolute; inset: 0 }
.list .go:focus-visible { outline: none } .list .go:focus-visible::after { outline: 2px solid var(--accent); outline-offset: -3px }
@media (hover: hover) { .list li:has(.go:hover) { background: var(--sunken) } }
.none { padding: 2rem 1.125rem; text-align: center }
.push { position: sticky; inset-block-end: 0; padding: .75rem 1.125rem; background: var(--surface); border-block-start: 1px solid var(--border) }
`;

class Item {
  #title = h('strong');
  #body = h('p', { class: 'small name' });
  #when = h('time', { class: 'muted small' });
  #mark = h('span');

  /** @param {BackupNotification} notification @param {(vps: string) => void} open */
  constructor(notification, open) {
    const { tone } = notificationWords(notification);
    set(this.#mark, { class: `mark tint ${tone}` });
    this.#mark.append(icon(MARKS[tone]));
    const { vps } = notification;
    this.element = h(
      'li',
      { part: 'notification' },
      this.#mark,
      h('div', { class: 'grow' }, button({ class: 'go' }, () => open(vps), this.#title), this.#body, this.#when),
    );
  }

  /** @param {{notification: BackupNotification, fresh: boolean}} shown */
  update({ notification, fresh }) {
    const { title, body } = notificationWords(notification);
    text(this.#title, title);
    text(this.#body, body);
    set(this.#when, { datetime: notification.created_at, title: fullDate(notification.created_at) });
    text(this.#when, line([notification.vps_name, ago(notification.created_at, Date.now())]));
    this.element.classList.toggle('fresh', fresh);
  }
}

export class List {
  #host;
  #bell;
  #items = h('ul');
  #none = h('p', { class: 'none muted' }, t('Nothing has happened yet.'));
  #switch;
  element = h('div', { popover: 'auto', class: 'list', part: 'notifications', role: 'dialog', 'aria-label': t('Notifications'), tabindex: 0 });
  /** @type {Map<string | number, Item>} */
  #rows = new Map();
  /** Unread when the list was opened: they keep their mark until it is closed. @type {Set<number>} */
  #fresh = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  /** Pressing the bell closes the list, as pressing anything else does, before the click opens or closes it. */
  #wasOpen = false;

  /** @param {Notifications} host @param {HTMLElement} bell */
  constructor(host, bell) {
    this.#host = host;
    this.#bell = bell;
    this.#switch = new PushSwitch(new Push(host));
    host.root.adoptedStyleSheets.push(sheet);
    this.element.append(h('h2', {}, t('Notifications')), this.#none, this.#items, this.#switch.element);
    this.element.addEventListener('toggle', () => this.#toggled());
    bell.addEventListener('pointerdown', () => (this.#wasOpen = this.open));
  }

  get open() {
    return this.element.matches(':popover-open');
  }

  toggle() {
    const close = this.open || this.#wasOpen;
    this.#wasOpen = false;
    this.element.togglePopover(!close);
    if (close) return;
    this.#place();
    this.element.focus();
    this.#host.update();
    this.#switch.update(this.#host.offline);
  }

  /** @param {BackupNotification[]} notifications */
  update(notifications) {
    this.#none.hidden = notifications.length > 0;
    const newest = notifications.slice(-SHOWN).reverse();
    for (const { id, read } of newest) if (!read) this.#fresh.add(id);
    const shown = newest.map((notification) => ({ notification, fresh: this.#fresh.has(notification.id) }));
    keyed(this.#items, this.#rows, shown, ({ notification }) => notification.id, ({ notification }) => new Item(notification, (vps) => this.#lead(vps)));
  }

  /** Where it has happened. @param {string} vps */
  #lead(vps) {
    this.element.hidePopover();
    this.#host.emit('vps-backup-open', { vps, view: 'backups' });
  }

  #toggled() {
    clearInterval(this.#clock);
    if (this.open) this.#clock = setInterval(() => this.#host.update(), MINUTE_MS);
    else {
      this.#fresh.clear();
      const focused = this.#host.root.activeElement;
      if (focused && this.element.contains(focused)) this.#bell.focus();
    }
    this.#host.update();
  }

  /** Below the bell, its end at the bell's end, within the window. */
  #place() {
    const { style } = this.element;
    const bell = this.#bell.getBoundingClientRect();
    const { width } = this.element.getBoundingClientRect();
    const start = this.#host.matches(':dir(rtl)') ? bell.left : bell.right - width;
    const { clientWidth, clientHeight } = document.documentElement;
    style.left = `${Math.max(12, Math.min(start, clientWidth - width - 12))}px`;
    style.top = `${bell.bottom + 6}px`;
    // What stands at its end must not be below the window; with hardly any room it covers the bell.
    const room = clientHeight - bell.bottom - 18;
    if (room < 240) style.top = '12px';
    else style.maxHeight = `min(32rem, ${room}px)`;
  }
}
