// SPDX-License-Identifier: LGPL-2.1-or-later
// One fact about a VPS that leads to its page. Loaded when it is first shown.

/** @import { Vps } from '../types' */
/** @import { IconName } from '../dom.js' */
/** @import { LazyElement } from './lazy.js' */

import { h, icon, set, setIcon, text } from '../dom.js';
import { css } from '../theme.js';
import { ago, count, percent, size } from '../format.js';
import { drawSlots, latestGood, slotsSheet } from './summary-view.js';
import { backupWord } from '../words.js';
import { line, t, tn } from '../i18n.js';

const sheet = css`
a, button { display: grid; grid-template-columns: 1fr auto; align-content: start; gap: .25rem 1rem; justify-items: start; width: 100%; height: 100%; padding: 1.125rem 1.25rem; border-radius: var(--radius); font-weight: inherit; text-align: start; white-space: normal; text-decoration: none; color: inherit }
@media (hover: hover) { a:hover, button:hover { border-color: color-mix(in srgb, var(--accent) 55%, var(--border)) !important; background: var(--surface) !important } }
.title { display: flex; align-items: center; gap: .5rem; color: var(--muted); font-weight: 550 }
.title .icon { color: var(--accent) }
.chevron { display: flex; color: var(--muted) }
.value { grid-column: 1 / -1; font-size: 1.75em; font-weight: 650; line-height: 1.3; letter-spacing: -.02em; min-height: 1.3em }
.value.long { font-size: 1.2em; line-height: 1.9; overflow-wrap: anywhere }
.note { grid-column: 1 / -1; min-height: 1.5em }
.slots { grid-column: 1 / -1; margin-block: .375rem .125rem }
`;

/** @typedef {{value: string, note: string, long?: boolean}} Fact */

/** @param {Vps} data @returns {Fact} */
function backupsFact({ slots: { used, total }, backups, operation }) {
  const working = backups.find(({ state }) => state !== 'available');
  return {
    value: t('{used} / {total}', { used: count(used), total: count(total) }),
    note: working
      ? line([backupWord(working, operation), percent(operation?.progress ?? 0)])
      : used < total
        ? tn('{count} slot free', '{count} slots free', total - used)
        : total
          ? t('All slots in use')
          : t('No slots'),
  };
}

/** @param {Vps} data @returns {Fact} */
function latestFact(data) {
  const latest = latestGood(data);
  if (!latest) return { value: t('None yet'), note: t('Create one before you change anything.'), long: true };
  return {
    value: latest.created_at ? ago(latest.created_at) : '–',
    note: latest.size_bytes === null ? latest.name : line([latest.name, size(latest.size_bytes)]),
    long: true,
  };
}

/** @param {Vps} data @returns {Fact} */
const slotsFact = ({ slots: { total, included, extra } }) => ({
  value: count(total),
  note: extra ? t('{included} free, {extra} added', { included: count(included), extra: count(extra) }) : total ? t('All free of charge') : t('Add a slot, and you can create a backup.'),
});

/** @type {Record<string, {title: () => string, icon: IconName, view: string, fact: (data: Vps) => Fact}>} */
const KINDS = {
  backups: { title: () => t('Backups'), icon: 'archive', view: 'backups', fact: backupsFact },
  latest: { title: () => t('Latest backup'), icon: 'clock', view: 'backups', fact: latestFact },
  slots: { title: () => t('Backup Slots'), icon: 'layers', view: 'resources', fact: slotsFact },
};

export class View {
  #host;
  #icon = icon('archive');
  #title = h('span', {});
  #value = h('span', { class: 'value numbers', part: 'counter' });
  #slots = h('span', { class: 'slots', 'aria-hidden': 'true' });
  #note = h('span', { class: 'note muted small numbers' });
  #box;

  /** @param {LazyElement} host */
  constructor(host) {
    const href = host.getAttribute('href');
    this.#host = host;
    this.#box = h(
      href === null ? 'button' : 'a',
      { class: 'box', part: 'card', href, onclick: (event) => this.#open(event) },
      h('span', { class: 'title' }, this.#icon, this.#title),
      h('span', { class: 'chevron' }, icon('chevron')),
      this.#value,
      this.#slots,
      this.#note,
    );
    host.root.adoptedStyleSheets.push(slotsSheet, sheet);
    host.root.append(this.#box);
  }

  get #kind() {
    return KINDS[this.#host.getAttribute('kind') ?? 'backups'] ?? KINDS.backups;
  }

  focus() {
    this.#box.focus();
  }

  update() {
    const { data } = this.#host;
    const fact = data ? this.#kind.fact(data) : { value: '–', note: '', long: false };
    setIcon(this.#icon, this.#kind.icon);
    text(this.#title, this.#kind.title());
    text(this.#value, fact.value);
    text(this.#note, fact.note);
    this.#value.classList.toggle('long', fact.long === true);
    // Right to left, the two numbers would change places.
    set(this.#value, { dir: this.#kind === KINDS.backups ? 'ltr' : null });
    this.#slots.hidden = this.#kind !== KINDS.backups;
    if (data && !this.#slots.hidden) drawSlots(this.#slots, data);
  }

  /** @param {Event} event */
  #open(event) {
    if (!this.#host.emit('vps-backup-open', { vps: this.#host.vps, view: this.#kind.view })) event.preventDefault();
  }
}
