// SPDX-License-Identifier: LGPL-2.1-or-later
// When backups are made automatically, and what is kept of them.

/** @import { Schedule, ScheduleEntry, SchedulePreview } from '../types' */
/** @import { BackupElement } from './base.js' */

import { adopt, ask } from './dialog.js';
import { h, set } from '../dom.js';
import { css } from '../theme.js';
import { count, date, ownZone } from '../format.js';
import { sentence, t, tn } from '../i18n.js';

const MAX_KEEP = 99;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const HOURS = [24, 12, 8, 6, 4, 3, 2, 1];
const RULES = /** @type {const} */ (['keep_daily', 'keep_weekly', 'keep_monthly']);
const SETTLED_MS = 250;
const SHOWN = 8;

const sheet = css`
.days { display: flex; flex-wrap: wrap; gap: .375rem .5rem; margin: 0; padding: 0; border: 0; font-weight: 550 }
.days legend { padding: 0; margin-block-end: .375rem }
.days label { display: flex; align-items: center; gap: .25rem; font-weight: 400 }
.rules { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .75rem; align-items: end }
.preview { min-height: 3.2em }
`;

/** A field with its label, and a place for what is wrong with it. @param {string} label @param {HTMLInputElement | HTMLSelectElement} field */
function labelled(label, field) {
  const wrong = h('span', { class: 'error small', id: `wrong-${field.name}` });
  set(field, { 'aria-describedby': wrong.id });
  return h('label', {}, label, field, wrong);
}

/** @param {string} chosen */
function zoneField(chosen) {
  const zones = [...new Set([chosen, ownZone(), 'UTC'])];
  return h('select', { name: 'zone' }, ...zones.map((zone) => h('option', { value: zone, selected: zone === chosen }, zone)));
}

/** @param {string} name @param {number} value @param {number} min @param {number} max */
const number = (name, value, min, max) => h('input', { type: 'number', name, required: true, min, max, value });

/** @param {string} day one of DAYS @param {'short' | 'long'} width */
const dayName = (day, width) =>
  new Intl.DateTimeFormat(sentence(), { weekday: width, timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + DAYS.indexOf(day)));

/** @param {string[]} chosen */
function daysField(chosen) {
  const wrong = h('span', { class: 'error small', id: 'wrong-days' });
  const box = (/** @type {string} */ day) =>
    h('label', {}, h('input', { type: 'checkbox', name: 'days', value: day, checked: chosen.includes(day), 'aria-label': dayName(day, 'long') }), dayName(day, 'short'));
  return h('fieldset', { class: 'days', name: 'days', tabindex: -1, 'aria-describedby': wrong.id }, h('legend', {}, t('Days')), ...DAYS.map(box), wrong);
}

/** @param {number} chosen */
function hoursField(chosen) {
  const words = (/** @type {number} */ hours) => (hours === 24 ? t('Once a day') : tn('Every {count} hour', 'Every {count} hours', hours));
  return h('select', { name: 'every' }, ...HOURS.map((hours) => h('option', { value: hours, selected: hours === chosen }, words(hours))));
}

/** What an older service has: one, once a day. @param {Schedule} before @param {FormData} form @returns {Schedule} */
const daily = ({ jitter_minutes: jitter = 0 }, form) => ({
  at: String(form.get('at')),
  keep: Number(form.get('keep')),
  zone: String(form.get('zone')),
  jitter_minutes: jitter,
});

/** @param {Schedule} before @param {FormData} form @returns {Schedule} */
function wanted(before, form) {
  const days = form.getAll('days').map(String);
  const hours = Number(form.get('every'));
  const { at, ...rest } = daily(before, form);
  const rules = Object.fromEntries(RULES.map((name) => [name, Number(form.get(name))]).filter(([, n]) => n));
  if (before.calendar) return { ...rest, ...rules, calendar: before.calendar };
  return { at, ...rest, ...rules, ...(days.length < DAYS.length && { days }), ...(hours < 24 && { every_hours: hours }) };
}

/** @param {FormData} form @param {number} total @param {boolean} several @param {Schedule} before */
function faults(form, total, several, before) {
  const keep = Number(form.get('keep'));
  /** @type {Record<string, string>} */
  const wrong = {};
  if (!before.calendar && !form.get('at')) wrong.at = t('Enter a time of day.');
  if (!Number.isInteger(keep) || keep < 1) wrong.keep = t('Enter a number, 1 or more.');
  else if (keep > Math.min(MAX_KEEP, total)) wrong.keep = tn('This VPS has {count} slot: more backups cannot be kept.', 'This VPS has {count} slots: more backups cannot be kept.', total);
  if (!several) return wrong;
  if (!before.calendar && !form.getAll('days').length) wrong.days = t('Choose at least one day.');
  for (const name of RULES) {
    const n = Number(form.get(name));
    if (form.get(name) === '' || !Number.isInteger(n) || n < 0 || n > MAX_KEEP) wrong[name] = t('Enter a number from 0 to 99.');
  }
  return wrong;
}

/** @param {SchedulePreview} preview */
function describe({ next_runs: runs, kept, slots_needed: needed, slots_total: total, fits }) {
  const times = kept.slice(0, SHOWN).map(({ at }) => date(at));
  return [
    h('p', { class: fits ? '' : 'error' }, fits ? t('Uses up to {number} of {total} slots.', { number: count(needed), total: count(total) }) : tooMany(needed, total)),
    h('p', {}, runs.length ? t('Next: {date}', { date: date(runs[0]) }) : ''),
    h('p', {}, t('After a while it keeps: {dates}', { dates: times.join(' · ') + (kept.length > SHOWN ? ' · …' : '') })),
  ];
}

/** @param {number} needed @param {number} total */
const tooMany = (needed, total) => tn('This needs {count} slot, and the VPS has {total}.', 'This needs {count} slots, and the VPS has {total}.', needed, { total: count(total) });

/** @param {Schedule} given what it is now */
function timeFields(given) {
  const { at = '03:30', days = DAYS, every_hours: hours = 24, calendar } = given;
  if (calendar) return [t('Its times were set on the command line: {event}', { event: calendar })];
  return [daysField(days), labelled(t('How often'), hoursField(hours)), labelled(t('Time of day'), h('input', { type: 'time', name: 'at', required: true, value: at }))];
}

/** @param {BackupElement} host @param {ScheduleEntry | null} [entry] null: one more; without it the first */
export function askSchedule({ root, store, data, vps }, entry = data?.schedules?.[0]) {
  if (!store || !data) return;
  const { total } = data.slots;
  const several = !!data.schedules;
  const given = (several ? entry?.schedule : data.schedule) ?? undefined;
  const before = given ?? { at: '03:30', keep: Math.max(1, total - 1) };
  const { keep, zone = given ? 'UTC' : ownZone() } = before;
  const id = entry?.id ?? (data.schedules?.length ? Math.random().toString(36).slice(2, 10) : 'default');
  const keepField = labelled(t('Backups to keep'), number('keep', keep, 1, Math.min(MAX_KEEP, total)));
  const [dailyField, weeklyField, monthlyField] = RULES.map((name) => number(name, before[name] ?? 0, 0, MAX_KEEP));
  const shown = h('div', { class: 'preview muted small', part: 'schedule-preview', role: 'status' });
  /** @type {SchedulePreview | undefined} */
  let preview;
  adopt(root, sheet);
  ask(root, {
    title: t('Automatic backups'),
    body: several
      ? [
          t('When a backup is complete, older scheduled ones beyond those to keep are deleted. Protected backups and those that you have made yourself stay.'),
          ...timeFields(before),
          labelled(t('Time zone'), zoneField(zone)),
          keepField,
          h('div', { class: 'rules' }, labelled(t('One a day, days'), dailyField), labelled(t('One a week, weeks'), weeklyField), labelled(t('One a month, months'), monthlyField)),
          shown,
        ]
      : [
          t('A backup is made every day. When it is complete, older scheduled ones beyond the number to keep are deleted. Protected backups and those that you have made yourself stay.'),
          labelled(t('Time of day'), h('input', { type: 'time', name: 'at', required: true, value: before.at })),
          labelled(t('Time zone'), zoneField(zone)),
          keepField,
        ],
    confirm: given ? t('Save') : t('Turn on'),
    check: (form) => {
      const wrong = faults(form, total, several, before);
      if (!Object.keys(wrong).length && preview && !preview.fits) wrong.keep = tooMany(preview.slots_needed, preview.slots_total);
      return wrong;
    },
    act: (form) => (several ? store.setSchedule(vps, wanted(before, form), id) : store.setSchedule(vps, daily(before, form))),
    ...(given && { other: { label: t('Turn off'), act: () => (several ? store.removeSchedule(vps, id) : store.setSchedule(vps, null)) } }),
  });
  const form = several ? shown.closest('form') : null;
  if (!form) return;
  let turn = 0;
  const look = async () => {
    const mine = ++turn;
    const filled = new FormData(form);
    const wrong = faults(filled, MAX_KEEP, true, before);
    preview = undefined;
    const found = Object.keys(wrong).length ? undefined : await store.previewSchedule(vps, wanted(before, filled), id).catch(() => undefined);
    if (mine !== turn) return;
    preview = found;
    shown.replaceChildren(...(found ? describe(found) : []));
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  form.addEventListener('input', () => {
    preview = undefined;
    clearTimeout(waiting);
    waiting = setTimeout(look, SETTLED_MS);
  });
  look();
}
