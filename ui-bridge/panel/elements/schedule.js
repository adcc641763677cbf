// SPDX-License-Identifier: LGPL-2.1-or-later
// One line below the head of the backups: when they are made by themselves.

/** @import { Schedule, Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { button, disable, h, icon, set, text } from '../dom.js';
import { css } from '../theme.js';
import { count, date, ownZone } from '../format.js';
import { sentence, t } from '../i18n.js';

export const scheduleSheet = css`
.schedule { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 .5rem; margin-block-start: .875rem }
.schedule .icon { width: 1rem; height: 1rem; margin-block-start: .2em }
.schedule button { margin-inline-start: .375rem }
`;

/** @param {string} at HH:MM */
function timeOfDay(at) {
  const [hours, minutes] = at.split(':').map(Number);
  return new Intl.DateTimeFormat(sentence(), { timeStyle: 'short', timeZone: 'UTC' }).format(Date.UTC(2000, 0, 1, hours, minutes));
}

/** @param {Schedule} schedule @param {string | null | undefined} next */
function scheduleWords({ at, zone = 'UTC', keep }, next) {
  const time = zone === ownZone() ? timeOfDay(at) : `${timeOfDay(at)} (${zone})`;
  const daily = t('Daily at {time}, keeps {count}.', { time, count: count(keep) });
  return next ? `${daily} ${t('Next: {date}', { date: date(next) })}` : daily;
}

export class ScheduleLine {
  #host;
  #words = h('span', { part: 'schedule-text' });
  #change = button({ class: 'link', part: 'schedule-change' }, () => this.#host.ask('schedule'));
  element = h('div', { class: 'schedule muted small', part: 'schedule', hidden: true }, icon('clock'), h('div', {}, this.#words, ' ', this.#change));

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {Vps | undefined} data */
  update(data) {
    const { store, offline } = this.#host;
    const may = !!store?.may('backup.create') && store.may('backup.delete');
    const schedule = data?.schedule;
    // Services of old do not know of it, and who may not set one need not read that there is none.
    this.element.hidden = schedule === undefined || (!schedule && !may) || data?.slots.total === 0;
    if (schedule === undefined) return;
    text(this.#words, schedule ? scheduleWords(schedule, data?.next_run_at) : t('Automatic backups are off'));
    text(this.#change, schedule ? t('Change') : t('Turn on'));
    set(this.#change, { hidden: !may });
    disable(this.#change, offline);
  }
}
