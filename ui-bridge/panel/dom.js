// SPDX-License-Identifier: LGPL-2.1-or-later
// Just enough to build DOM once and then change only what differs: no markup strings, so nothing to inject into.

const SVG = 'http://www.w3.org/2000/svg';

/** Drawn on 24 × 24 with round strokes of 2. */
const ICONS = {
  archive: 'M4 9h16v10a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM3 5a1 1 0 0 1 1-1h16a1 1 0 0 1 1 1v4H3zM10 13h4',
  bell: 'M6 9a6 6 0 0 1 12 0c0 6 2.5 7.5 2.5 7.5h-17S6 15 6 9M10 20.5a2.2 2.2 0 0 0 4 0',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  chevron: 'M9.5 6l6 6-6 6',
  clock: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18M12 7.5V12l3 2',
  close: 'M6 6l12 12M18 6L6 18',
  layers: 'M12 3l9 5-9 5-9-5zM3.5 12.3L12 17l8.5-4.7M3.5 16.3L12 21l8.5-4.7',
  list: 'M9 6.5h11M9 12h11M9 17.5h11M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01',
  lock: 'M5.5 11h13v10h-13zM8 11V7a4 4 0 0 1 8 0v4M12 15v2',
  menu: 'M5 12h.01M12 12h.01M19 12h.01',
  minus: 'M5 12h14',
  pencil: 'M4 20l1-4.5L16 4.5a1.8 1.8 0 0 1 2.5 0l1 1a1.8 1.8 0 0 1 0 2.5L8.5 19z',
  play: 'M7 4.8v14.4a.6.6 0 0 0 .9.5l11.6-7.2a.6.6 0 0 0 0-1L7.9 4.3a.6.6 0 0 0-.9.5z',
  plus: 'M12 5v14M5 12h14',
  power: 'M12 3v9M6.8 6.8a7.5 7.5 0 1 0 10.4 0',
  restart: 'M20 12a8 8 0 1 1-2.5-5.8L20 8.5M20 4v4.5h-4.5',
  restore: 'M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4.5l3 1.5',
  server: 'M4 4h16v7H4zM4 13h16v7H4zM8 7.5h.01M8 16.5h.01M12 7.5h4M12 16.5h4',
  trash: 'M4 7h16M9.5 7V4.5a1 1 0 0 1 1-1h3a1 1 0 0 1 1 1V7M6 7l.8 12a1.5 1.5 0 0 0 1.5 1.4h7.4a1.5 1.5 0 0 0 1.5-1.4L18 7M10 11v5.5M14 11v5.5',
  undo: 'M8.5 5L4.5 9l4 4M4.5 9H14a5.5 5.5 0 0 1 0 11h-3.5',
  unlock: 'M5.5 11h13v10h-13zM8 11V7a4 4 0 0 1 7.8-1.2M12 15v2',
  warning: 'M12 4l9 16H3zM12 10v4.5M12 17.3h.01',
};

/** @typedef {keyof typeof ICONS} IconName */
/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Property */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Property>} [properties] attributes, and listeners as onclick and the like
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  set(element, properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * Changes attributes that differ: null and false remove one.
 * @param {Element} element
 * @param {Record<string, Property>} properties
 */
export function set(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value == null || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== (value === true ? '' : String(value)))
      element.setAttribute(name, value === true ? '' : String(value));
  }
}

/**
 * Changes text that differs; a live region speaks only then.
 * @param {Element} element
 * @param {string} value
 */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** @param {IconName} name @param {string} [classes] more of them */
export function icon(name, classes = '') {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  set(path, { d: ICONS[name] });
  set(svg, { viewBox: '0 0 24 24', class: `icon ${classes}`, 'data-icon': name, 'aria-hidden': 'true' });
  svg.append(path);
  return svg;
}

/**
 * Shows another icon.
 * @param {SVGElement} svg
 * @param {IconName} name
 */
export function setIcon(svg, name) {
  set(svg, { 'data-icon': name });
  set(/** @type {Element} */ (svg.firstChild), { d: ICONS[name] });
}

/**
 * A disabled button stays in the tab order, so that a keyboard finds the reason; its click does nothing.
 * @param {HTMLElement} button
 * @param {string | null} reason null: enabled
 */
export function disable(button, reason) {
  set(button, { 'aria-disabled': reason === null ? null : 'true', title: reason || null });
}

/**
 * @param {Record<string, Property>} properties
 * @param {() => void} act only while the button is enabled, and not busy
 * @param {...(Node | string | null)} children
 */
export function button(properties, act, ...children) {
  const element = h('button', { type: 'button', ...properties }, ...children);
  element.addEventListener('click', () => element.ariaDisabled !== 'true' && element.ariaBusy !== 'true' && act());
  return element;
}

/** @param {IconName} name @param {string} label @param {string} part @param {() => void} act */
export function iconButton(name, label, part, act) {
  return button({ class: 'icon-button', part, 'aria-label': label, title: label }, act, icon(name));
}

/**
 * Makes the children of `parent` those of `items`, in order; known ones are kept, with focus and all.
 * @template Item
 * @template {{element: Element, update: (item: Item) => void}} Row
 * @param {Element} parent
 * @param {Map<string | number, Row>} rows what the last call left
 * @param {Item[]} items
 * @param {(item: Item) => string | number} keyOf
 * @param {(item: Item) => Row} create
 */
export function keyed(parent, rows, items, keyOf, create) {
  const wanted = new Set(items.map(keyOf));
  for (const [key, row] of rows) {
    if (wanted.has(key)) continue;
    row.element.remove();
    rows.delete(key);
  }
  items.forEach((item, index) => {
    const key = keyOf(item);
    const row = rows.get(key) ?? create(item);
    rows.set(key, row);
    row.update(item);
    if (parent.children[index] !== row.element) parent.insertBefore(row.element, parent.children[index] ?? null);
  });
}
