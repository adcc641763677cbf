// SPDX-License-Identifier: LGPL-2.1-or-later
// While what the last restore has replaced is kept: a line that takes the restore back. Not there where the service keeps nothing.

/** @import { Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { button, disable, h, icon, text } from '../dom.js';
import { css } from '../theme.js';
import { fullDate, span } from '../format.js';
import { lockedWords } from '../words.js';
import { t } from '../i18n.js';

export const undoSheet = css`
.undo { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; padding: .5rem .5rem .5rem 1rem; margin-block-end: .75rem; border-radius: var(--radius); --tone: var(--blue); background: color-mix(in srgb, var(--tone) 8%, var(--surface)); border: 1px solid color-mix(in srgb, var(--tone) 28%, var(--surface)); font-size: .9333em }
.undo p { flex: 1 1 14rem; min-width: 0 }
.undo button .icon { color: var(--blue) }
`;

export class UndoLine {
  #host;
  #words = h('p', { class: 'name' });
  #label = h('span', { class: 'numbers' });
  #undo = button({ part: 'undo' }, () => this.#host.ask('undo'), icon('undo'), this.#label);
  element = h('div', { class: 'undo', part: 'undo-line', hidden: true }, this.#words, this.#undo);

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {Vps | undefined} data */
  update(data) {
    const { store, offline } = this.#host;
    const left = data?.undo ? (Date.parse(data.undo.until) - Date.now()) / 1000 : 0;
    this.element.hidden = !data?.undo || left <= 0 || data.operation?.kind === 'undo' || !store?.may('backup.restore');
    if (this.element.hidden || !data?.undo) return;
    const { backup: id, restored_at: restored, until } = data.undo;
    const backup = data.backups.find((one) => one.id === id)?.name;
    text(this.#words, backup ? t('“{backup}” was restored. The disks from before are kept for now.', { backup }) : t('A backup was restored. The disks from before are kept for now.'));
    this.#words.title = fullDate(restored);
    text(this.#label, t('Undo restore · {duration} left', { duration: span(left > 5400 ? left - (left % 3600) : left) }));
    disable(this.#undo, offline ?? (data.operation ? lockedWords(data) : null));
    if (!this.#undo.title) this.#undo.title = fullDate(until);
  }
}
