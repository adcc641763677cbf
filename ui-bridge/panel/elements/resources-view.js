// SPDX-License-Identifier: LGPL-2.1-or-later
// The stepper for backup slots and what it says. Loaded when it is first shown.

/** @import { Slots } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { attempt } from './base.js';
import { button, disable, h, iconButton, text } from '../dom.js';
import { css } from '../theme.js';
import { count, money } from '../format.js';
import { line, t, tn } from '../i18n.js';

const sheet = css`
.box { display: flex; flex-wrap: wrap; align-items: center; gap: 1rem 1.5rem; padding: 1.25rem; margin-block-start: 1rem }
.what { flex: 1 1 15rem; min-width: 0 }
.stepper { display: flex; align-items: center; gap: .25rem; padding: .25rem; border: 1px solid var(--border); border-radius: var(--radius) }
.stepper.plain { border: 0; padding: 0 } .stepper.plain output { min-width: 0 }
output { min-width: 3.25rem; text-align: center; font-size: 1.25em; font-weight: 650 }
.foot { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; flex-basis: 100%; padding-block-start: 1rem; border-block-start: 1px solid var(--border) }
.foot p { min-height: 1.5em; flex: 1 1 14rem }
.actions { display: flex; gap: .5rem; margin-inline-start: auto }
`;

/** @param {Slots} slots @param {number} total */
const steps = (slots, total) => Math.max(0, Math.ceil((total - slots.included) / slots.step));

export class View {
  #host;
  #title = h('h2', { tabindex: -1 }, t('Resources'));
  #about = h('p', { class: 'muted small' });
  #less = iconButton('minus', t('Fewer slots'), 'less', () => this.#step(-1));
  #more = iconButton('plus', t('More slots'), 'more', () => this.#step(1));
  #total = h('output', { class: 'numbers', part: 'total', 'aria-label': t('Backup Slots') });
  #stepper = h('div', { class: 'stepper', role: 'group', 'aria-label': t('Backup Slots') }, this.#less, this.#total, this.#more);
  #note = h('p', { class: 'small muted', part: 'slots-reason', role: 'status' });
  #save = button({ class: 'primary', part: 'save' }, () => this.#apply(), t('Save'));
  #reset = button({ part: 'reset' }, () => this.#draft(null), t('Reset'));
  /** @type {number | null} what the reader has chosen and not saved */
  #wanted = null;
  #wantedFor = '';
  #failure = '';
  #saved = false;

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
    host.root.adoptedStyleSheets.push(sheet);
    host.root.append(
      this.#title,
      h(
        'div',
        { class: 'box', part: 'slots' },
        h('div', { class: 'what' }, h('h3', {}, t('Backup Slots')), this.#about),
        this.#stepper,
        h('div', { class: 'foot' }, this.#note, h('div', { class: 'actions' }, this.#reset, this.#save)),
      ),
    );
  }

  focus() {
    this.#title.focus();
  }

  update() {
    const slots = this.#host.data?.slots;
    if (!slots) return;
    if (this.#wantedFor !== this.#host.vps || this.#wanted === slots.total) this.#wanted = null;
    const total = this.#wanted ?? slots.total;
    const may = this.#may;
    text(this.#about, this.#aboutWords(slots));
    text(this.#total, count(total));
    for (const [element, direction] of /** @type {const} */ ([[this.#less, -1], [this.#more, 1]])) {
      element.hidden = !may;
      disable(element, this.#host.offline ?? this.#limit(slots, this.#next(slots, total, direction), direction));
    }
    const changed = total !== slots.total;
    this.#save.hidden = this.#reset.hidden = !may || !changed;
    disable(this.#save, this.#host.offline);
    text(this.#note, this.#failure || line([this.#saved ? t('Saved.') : '', this.#noteWords(slots, total)].filter(Boolean)));
    /** @type {HTMLElement} */ (this.#note.parentElement).hidden = !this.#note.textContent && this.#save.hidden;
    this.#stepper.classList.toggle('plain', !may);
    this.#note.classList.toggle('error', !!this.#failure);
  }

  get #may() {
    return this.#host.has('slots-request') || (this.#host.store?.may('slots.write') ?? false);
  }

  get #price() {
    const price = Number(this.#host.getAttribute('price') ?? NaN);
    return Number.isFinite(price) ? price : null;
  }

  /** @param {number} value */
  #money(value) {
    return money(value, this.#host.getAttribute('currency') ?? 'EUR');
  }

  /** @param {Slots} slots */
  #aboutWords(slots) {
    const words = [t('Each slot keeps one backup.'), ...(slots.included ? [tn('The first {count} is free.', 'The first {count} are free.', slots.included)] : [])];
    const price = this.#price;
    if (price !== null)
      words.push(
        tn('Each further one costs {price} a month.', 'Each further {count} cost {price} a month.', slots.step, { price: this.#money(price) }),
      );
    return words.join(' ');
  }

  /** @param {Slots} slots @param {number} total */
  #noteWords(slots, total) {
    if (!this.#may) return t('Add slots in your customer area.');
    const price = this.#price;
    const billable = steps(slots, total);
    const before = steps(slots, slots.total);
    const cost = price === null ? '' : this.#costWords(before * price, billable * price);
    const bound = this.#limit(slots, this.#next(slots, total, -1), -1) ?? this.#limit(slots, this.#next(slots, total, 1), 1) ?? '';
    return [cost, bound].filter(Boolean).join(' ');
  }

  /** What it costs now, and what it will. @param {number} before @param {number} after */
  #costWords(before, after) {
    if (before === after) return after ? t('{price} a month.', { price: this.#money(after) }) : '';
    return t('Now {before}, then {after} a month ({difference}).', {
      before: this.#money(before),
      after: this.#money(after),
      difference: (after > before ? '+' : '−') + this.#money(Math.abs(after - before)),
    });
  }

  /** @param {Slots} slots @param {number} total @param {number} direction */
  #next(slots, total, direction) {
    return slots.included + (direction < 0 ? steps(slots, total) - 1 : Math.floor((total - slots.included) / slots.step) + 1) * slots.step;
  }

  /** Why there can be no such total. @param {Slots} slots @param {number} total @param {number} direction */
  #limit(slots, total, direction) {
    if (direction > 0) return total > slots.maximum ? t('More slots are not available for this VPS.') : null;
    if (total < slots.used)
      return tn('{count} slot is in use. Delete a backup to remove it.', '{count} slots are in use. Delete a backup to remove one.', slots.used);
    return total < slots.included ? t('The free slots stay.') : null;
  }

  /** @param {number} direction */
  #step(direction) {
    const slots = this.#host.data?.slots;
    if (slots) this.#draft(this.#next(slots, this.#wanted ?? slots.total, direction));
  }

  /** @param {number | null} total */
  #draft(total) {
    const focused = this.#host.root.activeElement;
    this.#failure = '';
    this.#saved = false;
    this.#wanted = total;
    this.#wantedFor = this.#host.vps;
    this.update();
    if (focused instanceof HTMLElement && focused.hidden) this.#title.focus();
  }

  async #apply() {
    const { store, data, vps } = this.#host;
    const total = this.#wanted;
    if (!store || !data || total === null) return;
    if (!this.#host.emit('vps-backup-slots-request', { vps, total, billable_steps: steps(data.slots, total) })) {
      this.#draft(null);
      return;
    }
    this.#failure = await attempt(this.#save, () => store.setSlots(vps, total));
    if (this.#failure) return this.update();
    this.#draft(null);
    this.#saved = true;
    this.update();
  }
}
