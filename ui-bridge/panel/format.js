// SPDX-License-Identifier: LGPL-2.1-or-later
// Dates, sizes and durations in the reader's language and time zone.

import { dates, sentence, t } from './i18n.js';

const SIZE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];
const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** @param {number} value @param {Intl.NumberFormatOptions} options */
const number = (value, options) => new Intl.NumberFormat(sentence(), options).format(value);

/** @param {string | null} time RFC 3339; null: not known yet */
export const date = (time) =>
  time === null ? '–' : new Intl.DateTimeFormat(dates(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));

/** The reader's time zone, by its name. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** With the seconds and the name of the time zone. @param {string} time RFC 3339 */
export const fullDate = (time) =>
  new Intl.DateTimeFormat(dates(), { dateStyle: 'full', timeStyle: 'long' }).format(new Date(time));

/** Three digits, whatever they are rounded to. @param {number} bytes @returns {[power: number, digits: number]} */
function scaleOf(bytes) {
  for (const [power] of SIZE_UNITS.entries()) {
    const scaled = bytes / 1000 ** power;
    if (scaled < 99.95 && power) return [power, 1];
    if (scaled < 999.5) return [power, 0];
  }
  return [SIZE_UNITS.length - 1, 0];
}

/** @param {number} bytes @param {string} suffix of the unit @param {number} [like] in the unit of that */
function amount(bytes, suffix, like = bytes) {
  const [power, digits] = scaleOf(like);
  return number(bytes / 1000 ** power, {
    style: 'unit',
    unit: SIZE_UNITS[power] + suffix,
    // The short one of bytes has no plural.
    unitDisplay: power ? 'short' : 'long',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** @param {number} bytes */
export const size = (bytes) => amount(bytes, '');

/** How much of it, in one unit for both: figures that grow do not change their form. @param {number} done @param {number} total */
export const share = (done, total) => t('{done} of {total}', { done: amount(done, '', total), total: size(total) });

/** @param {number} bytesPerSecond */
export const rate = (bytesPerSecond) => amount(bytesPerSecond, '-per-second');

/** Whole percent, rounded down: 100 % means done. @param {number} progress 0–100 */
export const percent = (progress) => number(Math.floor(progress) / 100, { style: 'percent' });

/** @param {number} value @param {string} currency ISO 4217 */
export const money = (value, currency) => number(value, { style: 'currency', currency });

/** @param {number} value */
export const count = (value) => number(value, {});

/** Rough on purpose: an estimate that changes each second is noise. @param {number} seconds */
export function timeLeft(seconds) {
  if (seconds < 10) return t('a few seconds left');
  return t('{duration} left', { duration: seconds < MINUTE ? lengths([[Math.ceil(seconds / 10) * 10, 'second']]) : span(seconds) });
}

/** @param {[number, string][]} parts */
const lengths = (parts) => parts.map(([value, unit]) => number(value, { style: 'unit', unit, unitDisplay: 'short' })).join(' ');

/** In the largest two units, rounded up. @param {number} seconds from a minute on */
export function span(seconds) {
  const minutes = Math.ceil(seconds / MINUTE);
  const hours = minutes < 24 * 60 ? Math.floor(minutes / 60) : Math.ceil(minutes / 60);
  /** @type {[number, string][]} */
  const parts = hours < 24 ? [[hours, 'hour'], [minutes % 60, 'minute']] : [[Math.floor(hours / 24), 'day'], [hours % 24, 'hour']];
  return lengths(parts.filter(([value]) => value));
}

const UNITS = /** @type {const} */ ([[HOUR, 'hour'], [MINUTE, 'minute'], [1, 'second']]);

/** Exactly, in the largest unit that it is a multiple of. @param {number} seconds whole */
export function duration(seconds) {
  const [length, unit] = UNITS.find(([one]) => seconds % one === 0) ?? [1, 'second'];
  return number(seconds / length, { style: 'unit', unit, unitDisplay: 'long' });
}

const DAY = 24 * HOUR;
const RELATIVE = /** @type {const} */ ([[MINUTE, 'second'], [HOUR, 'minute'], [DAY, 'hour'], [61 * DAY, 'day'], [366 * DAY, 'month'], [Infinity, 'year']]);

/** How long ago it was, or in how long it will be. @param {string} time RFC 3339 @param {number} [now] milliseconds since 1970 */
export function ago(time, now = Date.now()) {
  const seconds = (Date.parse(time) - now) / 1000;
  const at = RELATIVE.findIndex(([end]) => Math.abs(seconds) < end);
  // Clocks differ by seconds.
  if (at === 0) return new Intl.RelativeTimeFormat(sentence(), { numeric: 'auto' }).format(0, 'second');
  // What comes is rounded, what was is not older than it is.
  const whole = seconds > 0 ? Math.round : Math.trunc;
  const length = at < 4 ? RELATIVE[at - 1][0] : at === 4 ? 30.44 * DAY : 365.25 * DAY;
  return new Intl.RelativeTimeFormat(sentence(), { numeric: at < 3 ? 'always' : 'auto' }).format(whole(seconds / length) || Math.sign(seconds), RELATIVE[at][1]);
}
