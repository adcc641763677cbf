// SPDX-License-Identifier: LGPL-2.1-or-later
// One line below the head of the backups: when they are made by themselves.

/** @import { Schedule, ScheduleEntry, Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { button, disable, h, icon, keyed, set, text } from '../dom.js';
import { css } from '../theme.js';
import { count, date, ownZone } from '../format.js';
import { sentence, t, tn } from '../i18n.js';

export const scheduleSheet = css`
.schedule { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 .5rem; margin-block-start: .875rem }
.schedule .icon { width: 1rem; height: 1rem; margin-block-start: .2em }
.schedule button { margin-inline-start: .375rem }
.schedule [part=schedule-add] { margin-inline-start: 0 }
`;

/** @param {string} at HH:MM */
function timeOfDay(at) {
  const [hours, minutes] = at.split(':').map(Number);
  return new Intl.DateTimeFormat(sentence(), { timeStyle: 'short', timeZone: 'UTC' }).format(Date.UTC(2000, 0, 1, hours, minutes));
}

const MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** @param {string[]} days */
function weekdays(days) {
  const name = new Intl.DateTimeFormat(sentence(), { weekday: 'short', timeZone: 'UTC' });
  return new Intl.ListFormat(sentence(), { type: 'conjunction' }).format(days.map((day) => name.format(MONDAY + DAYS.indexOf(day) * DAY_MS)));
}

/** @param {Schedule} schedule @param {string} kept */
function timesAndKept({ at = '00:00', zone = 'UTC', days, every_hours: hours = 24, calendar }, kept) {
  const time = zone === ownZone() ? timeOfDay(at) : `${timeOfDay(at)} (${zone})`;
  if (calendar) return t('At “{event}”, keeps {count}.', { event: calendar, count: kept });
  if (hours === 24) return days ? t('On {days} at {time}, keeps {count}.', { days: weekdays(days), time, count: kept }) : t('Daily at {time}, keeps {count}.', { time, count: kept });
  return days
    ? tn('On {days} every {count} hour from {time}, keeps {kept}.', 'On {days} every {count} hours from {time}, keeps {kept}.', hours, { days: weekdays(days), time, kept })
    : tn('Every {count} hour from {time}, keeps {kept}.', 'Every {count} hours from {time}, keeps {kept}.', hours, { time, kept });
}

/** @param {Schedule} schedule @param {number} kept @param {string | null | undefined} next */
function scheduleWords(schedule, kept, next) {
  const words = timesAndKept(schedule, count(kept));
  return next ? `${words} ${t('Next: {date}', { date: date(next) })}` : words;
}

/** @param {Vps} data @returns {(ScheduleEntry | null)[]} services of old have one, without an id */
function entriesOf({ schedules, schedule, next_run_at: next = null }) {
  if (schedules) return schedules.length ? schedules : [null];
  return [schedule ? { id: '', schedule, next_run_at: next, slots_needed: schedule.keep } : null];
}

export class ScheduleLine {
  #host;
  #lines = h('div');
  #may = false;
  /** @type {Map<string | number, {element: Element, update: (entry: ScheduleEntry | null) => void}>} */
  #rows = new Map();
  #more = button({ class: 'link', part: 'schedule-add' }, () => this.#host.ask('schedule', null), t('Add another'));
  element = h('div', { class: 'schedule muted small', part: 'schedule', hidden: true }, icon('clock'), h('div', {}, this.#lines, this.#more));

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {string} key */
  #create(key) {
    const words = h('span', { part: 'schedule-text' });
    const change = button({ class: 'link', part: 'schedule-change' }, () => {
      const entry = this.#host.data?.schedules?.find(({ id }) => id === key);
      if (entry) this.#host.ask('schedule', entry);
      else this.#host.ask('schedule');
    });
    return {
      element: h('div', {}, words, ' ', change),
      update: (/** @type {ScheduleEntry | null} */ entry) => {
        const { offline } = this.#host;
        text(words, entry ? scheduleWords(entry.schedule, entry.slots_needed, entry.next_run_at) : t('Automatic backups are off'));
        text(change, entry ? t('Change') : t('Turn on'));
        set(change, { hidden: !this.#may });
        disable(change, offline);
      },
    };
  }

  /** @param {Vps | undefined} data */
  update(data) {
    const { store, offline } = this.#host;
    const may = !!store?.may('backup.create') && store.may('backup.delete');
    this.#may = may;
    // Services of old do not know of it, and who may not set one need not read that there is none.
    this.element.hidden = data?.schedule === undefined || (!data.schedule && !may) || data.slots.total === 0;
    if (!data || data.schedule === undefined) return;
    const entries = entriesOf(data);
    keyed(this.#lines, this.#rows, entries, (entry) => entry?.id ?? '', (entry) => this.#create(entry?.id ?? ''));
    set(this.#more, { hidden: !may || !data.schedules?.length });
    disable(this.#more, offline);
  }
}
