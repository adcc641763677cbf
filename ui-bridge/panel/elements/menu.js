// SPDX-License-Identifier: LGPL-2.1-or-later
// What a "more" button opens: a few actions with their words. A native popover, so that Escape and a click elsewhere close it.

/** @import { IconName } from '../dom.js' */

import { disable, h, icon, iconButton, set, setIcon, text } from '../dom.js';
import { css } from '../theme.js';
import { t } from '../i18n.js';

export const menuSheet = css`
.menu { position: fixed; inset: auto; margin: 0; padding: .375rem; min-width: 11rem; border: 0; border-radius: var(--radius); background: var(--surface); color: inherit; box-shadow: var(--raised) }
.menu:popover-open { display: grid; animation: rise .14s ease-out }
.menu button { justify-content: start; border-color: transparent; background: none; box-shadow: none; font-weight: 500; padding-inline: .75rem; white-space: normal; text-align: start }
.menu button.danger { color: var(--red); background: none }
.menu button.danger:not(:first-child) { margin-block-start: .8125rem }
.menu button.danger:not(:first-child)::before { content: ''; position: absolute; inset-inline: 0; inset-block-start: -.4375rem; block-size: 1px; background: var(--border) }
.menu button[aria-disabled=true] { color: var(--faint); background: none !important; border-color: transparent !important }
.more > button .icon { stroke-width: 3 }
.menu small { display: block; font-weight: 400; color: var(--muted); max-width: 15rem }
.menu button:not([aria-busy]) { position: relative }
@media (forced-colors: active) { .menu { border: 1px solid CanvasText } }
`;

/**
 * @typedef {object} Action
 * @property {IconName} icon
 * @property {string} label
 * @property {string} part
 * @property {string | null} lock why it cannot be done; null: it can
 * @property {boolean} [danger]
 * @property {() => void} act
 */

const GAP_PX = 4;

export class Menu {
  #items = new Map();
  #list = h('div', { popover: 'auto', class: 'menu', part: 'menu', role: 'menu' });
  button = iconButton('menu', '', 'more', () => this.#open());
  element = h('span', { class: 'more' }, this.button, this.#list);
  /** Pressing the button closes the list before the click comes. */
  #wasOpen = false;

  constructor() {
    set(this.button, { 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    this.button.addEventListener('pointerdown', () => (this.#wasOpen = this.#list.matches(':popover-open')));
    this.#list.addEventListener('toggle', () => set(this.button, { 'aria-expanded': String(this.#list.matches(':popover-open')) }));
    this.#list.addEventListener('keydown', (event) => this.#move(event));
  }

  /** @param {string} label of the button @param {Action[]} actions none: there is no button */
  update(label, actions) {
    set(this.button, { 'aria-label': label, title: t('More') });
    set(this.#list, { 'aria-label': label });
    this.element.hidden = !actions.length;
    const wanted = new Set(actions.map(({ part }) => part));
    for (const [part, { element }] of this.#items) if (!wanted.has(part)) element.remove();
    actions.forEach((action, index) => {
      const item = this.#items.get(action.part) ?? this.#add(action.part);
      item.act = action.act;
      setIcon(item.icon, action.icon);
      text(item.label, action.label);
      text(item.why, action.lock ?? '');
      item.why.hidden = !action.lock;
      set(item.element, { class: action.danger ? 'danger' : null });
      disable(item.element, action.lock);
      set(item.element, { title: null });
      if (this.#list.children[index] !== item.element) this.#list.insertBefore(item.element, this.#list.children[index] ?? null);
    });
  }

  /** @param {string} part */
  #add(part) {
    const item = { icon: icon('menu'), label: h('span'), why: h('small'), act: () => {}, element: h('button', { type: 'button', role: 'menuitem', part, tabindex: -1 }) };
    item.element.append(item.icon, h('span', {}, item.label, item.why));
    item.element.addEventListener('click', () => {
      if (item.element.ariaDisabled === 'true') return;
      this.#list.hidePopover();
      this.button.focus();
      item.act();
    });
    this.#items.set(part, item);
    return item;
  }

  #open() {
    const close = this.#wasOpen;
    this.#wasOpen = false;
    if (close) return;
    this.#list.showPopover();
    const { style } = this.#list;
    const place = this.button.getBoundingClientRect();
    const { width, height } = this.#list.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const start = this.button.matches(':dir(rtl)') ? place.left : place.right - width;
    style.left = `${Math.max(GAP_PX, Math.min(start, clientWidth - width - GAP_PX))}px`;
    const below = place.bottom + GAP_PX;
    style.top = `${below + height > clientHeight ? Math.max(GAP_PX, place.top - height - GAP_PX) : below}px`;
    /** @type {HTMLElement | null} */ (this.#list.querySelector('button'))?.focus();
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const all = /** @type {HTMLElement[]} */ ([...this.#list.children]);
    const root = /** @type {ShadowRoot} */ (this.#list.getRootNode());
    const at = all.indexOf(/** @type {HTMLElement} */ (root.activeElement));
    /** @type {Record<string, number>} */
    const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key === 'Tab') this.#list.hidePopover();
    if (!(event.key in places)) return;
    event.preventDefault();
    all.at(places[event.key] % all.length)?.focus();
  }
}
