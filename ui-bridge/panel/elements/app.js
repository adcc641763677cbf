// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole of it in one element: overview, backups, resources, notifications, and what the connection is up to.

/** @import { Store } from '../store.js' */
/** @import { LazyElement } from './lazy.js' */

import { BackupElement } from './base.js';
import { button, h, icon, set, text } from '../dom.js';
import { css } from '../theme.js';
import { t } from '../i18n.js';

const SECOND_MS = 1000;

const sheet = css`
:host { container-type: inline-size }
.bar { display: flex; align-items: center; gap: .5rem; border-block-end: 1px solid var(--border) }
nav { display: flex; flex: 1; min-width: 0; overflow-x: auto; scrollbar-width: none; margin-inline-start: -.25rem; mask-image: linear-gradient(to right, #000 calc(100% - 1.5rem), #0000) }
nav:dir(rtl) { mask-image: linear-gradient(to left, #000 calc(100% - 1.5rem), #0000) }
nav button { border: 0; border-radius: 0; box-shadow: none; background: none !important; color: var(--muted); flex: none; min-width: max-content; padding: .625rem .25rem; margin-inline-end: 1rem; border-block-end: 2px solid transparent; margin-block-end: -1px }
@media (hover: hover) { nav button:hover { color: var(--text) } }
nav button[aria-current] { color: var(--text); border-color: var(--accent) }
nav button:focus-visible { outline-offset: -3px }
select { max-width: 12rem; min-height: 2.25rem; padding: .25rem .5rem; border: 1px solid var(--border); border-radius: var(--inner); background: var(--surface) }
.banner { position: fixed; inset: auto; inset-block-start: .75rem; inset-inline: 0; margin-inline: auto; width: max-content; max-width: calc(100vw - 1.5rem); padding-block: .5rem; padding-inline: 1rem .625rem; border: 0; border-radius: 2rem; background: light-dark(#1b202a, #e9ecf2); color: light-dark(#fff, #161a22); box-shadow: 0 8px 24px -6px #0007 }
.banner:popover-open { display: flex; align-items: center; gap: .75rem; animation: rise .2s .6s ease-out backwards }
.banner button { min-height: 2rem; padding-block: .125rem; border-radius: 2rem; border-color: transparent; background: light-dark(#fff2, #0001); color: inherit; box-shadow: none }
@media (hover: hover) { .banner button:hover { background: light-dark(#fff3, #0002) !important } }
.message { display: grid; justify-items: center; gap: .5rem; padding: 4rem 1rem; text-align: center }
.message .icon { width: 2.5rem; height: 2.5rem; color: var(--muted) }
@container (inline-size < 40rem) { .bar { flex-wrap: wrap; gap: 0 } .bar select { order: -1; flex: 0 0 100%; width: 100%; min-width: 0; max-width: none; min-height: 2.75rem; margin-block-end: .5rem } nav button { margin-inline-end: .5rem } nav button:last-child { margin-inline-end: 1rem } }
@media (forced-colors: active) { nav button { border-color: Canvas !important } nav button[aria-current] { border-block-end: 3px solid Highlight !important } }
@container (inline-size < 20rem) { nav { font-size: .9333em } nav button { margin-inline-end: .25rem } }
`;

/** @type {[string, () => string][]} */
const VIEWS = [
  ['overview', () => t('Overview')],
  ['backups', () => t('Backups')],
  ['resources', () => t('Resources')],
];

export class App extends BackupElement {
  static observedAttributes = [...BackupElement.observedAttributes, 'view', 'price', 'currency', 'slots-request', 'support-url', 'service-worker', 'push-url'];
  static sheets = [sheet];

  #nav = h('nav', { 'aria-label': t('Pages of this VPS') });
  #heading = h('h2', { class: 'grow' }, t('Your VPSs'));
  #choice = h('select', { 'aria-label': t('VPS'), onchange: () => this.#choose(this.#choice.value) });
  #content = h('div', { part: 'content' });
  #message = h('div', { class: 'message', part: 'message', hidden: true });
  #messageTitle = h('h2');
  #messageBody = h('p', { class: 'muted' });
  #banner = h('div', { popover: 'manual', class: 'banner', part: 'banner' });
  #bannerText = h('span', { role: 'status' });
  #countdown = h('span', { class: 'numbers' });
  #retry = button({ part: 'retry' }, () => this.store?.wake(), t('Try now'));
  #again = button({ part: 'retry' }, () => this.store?.wake(), t('Try again'));
  /** @type {Record<string, BackupElement>} */
  #parts = {};
  #chosen = '';
  #wasOpen = false;
  #lastConnection = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tick;

  build() {
    for (const name of ['overview', 'panel', 'resources', 'notifications', 'list'])
      this.#parts[name] = /** @type {BackupElement} */ (document.createElement(`vps-backup-${name}`));
    const { overview, panel, resources, notifications, list } = this.#parts;
    for (const [view, label] of VIEWS) this.#nav.append(button({ 'data-view': view }, () => this.#go(view), label()));
    set(overview, { compact: true, exportparts: 'header, name, status, power, power-reason, cards, card, card-open, counter, create, create-reason, undo, activities, activity' });
    set(panel, { exportparts: 'create, create-reason, counter, list, backup, backup-name, backup-state, backup-time, backup-facts, protected, progress, notice, dialog, empty, schedule, schedule-text, schedule-change, schedule-add, schedule-preview, undo, undo-line, restore, more, menu' });
    set(resources, { exportparts: 'slots, total, save, slots-reason' });
    set(notifications, { exportparts: 'bell, unread, notifications, notification, push, push-switch, toasts, toast' });
    set(list, { exportparts: 'vps-list, vps' });
    overview.append(h('div', { class: 'bar', slot: 'nav' }, this.#heading, this.#nav, this.#choice, notifications), h('slot', { name: 'cards' }));
    this.#banner.append(this.#bannerText, this.#countdown, this.#retry);
    this.#message.append(icon('server'), this.#messageTitle, this.#messageBody, this.#again);
    this.#content.append(overview);
    this.root.append(this.#content, this.#message, this.#banner);
    this.addEventListener('vps-backup-open', (event) => this.#opened(/** @type {CustomEvent} */ (event)));
  }

  prefetch() {
    return Promise.all([super.prefetch(), /** @type {LazyElement} */ (this.#parts.panel).load()]);
  }

  disconnectedCallback() {
    clearTimeout(this.#tick);
    super.disconnectedCallback();
  }

  get vps() {
    return this.getAttribute('vps') || '*';
  }

  set vps(value) {
    set(this, { vps: value });
  }

  get view() {
    const view = this.getAttribute('view') ?? '';
    return VIEWS.some(([name]) => name === view) ? view : 'overview';
  }

  set view(value) {
    set(this, { view: value });
  }

  /** The VPS that is shown: with `vps="*"` the reader chooses among those of the token; empty: has not yet. */
  get current() {
    if (this.vps !== '*') return this.vps;
    const known = [...(this.store?.state.vps.keys() ?? [])];
    if (known.length === 1) return known[0];
    return known.includes(this.#chosen) ? this.#chosen : '';
  }

  set current(value) {
    this.#chosen = value;
    this.update();
  }

  update() {
    const { overview, panel, resources, notifications, list } = this.#parts;
    if (!overview) return;
    const { current } = this;
    // Until one is chosen, all are there to choose from.
    const choosing = this.vps === '*' && !current && !!this.store?.state.vps.size;
    for (const part of Object.values(this.#parts)) {
      part.store = this.store;
      set(part, { vps: part === list ? '*' : current || (part === notifications ? this.vps : null) });
    }
    list.hidden = !choosing;
    set(overview, { bare: choosing });
    this.#nav.hidden = choosing;
    this.#heading.hidden = !choosing;
    for (const name of ['price', 'currency']) set(resources, { [name]: this.getAttribute(name) });
    set(resources, { 'slots-request': this.has('slots-request') });
    set(panel, { 'support-url': this.getAttribute('support-url') });
    for (const name of ['service-worker', 'push-url']) set(notifications, { [name]: this.getAttribute(name) });
    set(overview, { compact: choosing || this.view !== 'overview' });
    panel.hidden = choosing || this.view !== 'backups';
    resources.hidden = choosing || this.view !== 'resources';
    for (const part of [panel, resources, list]) if (!part.hidden && !part.isConnected) this.#content.append(part);
    for (const element of this.#nav.children) set(element, { 'aria-current': element.getAttribute('data-view') === this.view ? 'page' : null });
    this.#updateChoice();
    this.#updateConnection();
  }

  #updateChoice() {
    const all = [...(this.store?.state.vps.values() ?? [])].sort((a, b) => a.name.localeCompare(b.name));
    this.#choice.hidden = this.vps !== '*' || all.length < 2 || !this.current;
    if (this.#choice.hidden) return;
    const options = [{ vps: '', name: t('Your VPSs') }, ...all];
    while (this.#choice.childElementCount > options.length) this.#choice.lastChild?.remove();
    while (this.#choice.childElementCount < options.length) this.#choice.append(h('option'));
    options.forEach(({ vps, name }, index) => {
      set(this.#choice.children[index], { value: vps });
      text(this.#choice.children[index], name);
    });
    this.#choice.value = this.current;
  }

  #updateConnection() {
    if (!this.store) return;
    const { connection, retryAt, missing, vps } = this.store.state;
    const known = this.vps === '*' ? vps.size > 0 : vps.has(this.vps);
    const gone = connection === 'open' && !known && (missing.has(this.vps) || (this.vps === '*' && this.store.knowsAll));
    const ended = connection === 'ended';
    this.#wasOpen ||= connection === 'open';
    this.#content.hidden = gone || (ended && !known);
    this.#message.hidden = !this.#content.hidden;
    text(this.#messageTitle, ended ? t('Your session has ended') : t('This VPS is not available'));
    text(this.#messageBody, ended ? this.#endedWords : t('It does not exist, or your session does not include it.'));
    this.#again.hidden = !ended || !this.#renewable;
    this.#retry.hidden = ended && !this.#renewable;
    const lost = !this.#content.hidden && (ended || connection === 'waiting' || (connection === 'connecting' && this.#wasOpen));
    this.#banner.togglePopover(lost);
    if (lost) text(this.#bannerText, this.#bannerWords(ended));
    this.#countDown(connection === 'waiting' ? retryAt : null);
    if (connection === this.#lastConnection) return;
    this.#lastConnection = connection;
    this.emit('vps-backup-connection', { state: connection });
  }

  /** There is somebody to ask for another token. */
  get #renewable() {
    return !!this.getToken || this.hasAttribute('token-url');
  }

  get #endedWords() {
    return this.#renewable ? t('Reload this page, or log in again.') : t('Open this page again from your hosting panel.');
  }

  /** @param {boolean} ended */
  #bannerWords(ended) {
    if (ended) return `${t('Your session has ended.')} ${this.#endedWords}`;
    if (this.store?.state.refused) return t('The service refuses this page.');
    return this.#wasOpen ? t('Connection lost. What you see may be out of date.') : t('The server cannot be reached.');
  }

  /** @param {number | null} retryAt */
  #countDown(retryAt) {
    clearTimeout(this.#tick);
    const seconds = retryAt === null ? 0 : Math.ceil((retryAt - Date.now()) / SECOND_MS);
    text(this.#countdown, seconds > 0 ? t('{seconds} s', { seconds }) : '');
    if (seconds > 0) this.#tick = setTimeout(() => this.#countDown(retryAt), SECOND_MS);
  }

  /** @param {string} view */
  #go(view) {
    if (!this.emit('vps-backup-view', { vps: this.current, view })) return;
    this.view = view;
    this.update();
    if (view === 'backups') this.#parts.panel.focus();
    else if (view === 'resources') this.#parts.resources.focus();
    // What was pressed may be gone.
    else /** @type {HTMLElement | null} */ (this.#nav.querySelector('[aria-current]'))?.focus();
  }

  /** @param {string} vps */
  #choose(vps) {
    if (!this.emit('vps-backup-view', { vps, view: this.view })) return;
    this.current = vps;
    if (!vps) this.#parts.list.focus();
  }

  /** @param {CustomEvent} event */
  #opened(event) {
    if (event.defaultPrevented) return;
    event.stopPropagation();
    // A pressed notification may be of another one.
    if (event.detail.vps && event.detail.vps !== this.current) {
      if (this.vps !== '*') this.setAttribute('vps', event.detail.vps);
      this.#chosen = event.detail.vps;
    }
    this.#go(event.detail.view);
  }
}
