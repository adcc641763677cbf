// SPDX-License-Identifier: LGPL-2.1-or-later
// Dates, sizes and durations in the reader's language and time zone.

import { locale, t } from './i18n.js';

const SIZE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];
const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** @param {number} value @param {Intl.NumberFormatOptions} options */
const number = (value, options) => new Intl.NumberFormat(locale(), options).format(value);

/** @param {string | null} time RFC 3339; null: not known yet */
export const date = (time) =>
  time === null ? '–' : new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));

/** The reader's time zone, by its name. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** With the seconds and the name of the time zone. @param {string} time RFC 3339 */
export const fullDate = (time) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'long' }).format(new Date(time));

/** @param {number} bytes @param {string} suffix of the unit */
function amount(bytes, suffix) {
  const power = Math.min(SIZE_UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const scaled = bytes / 1000 ** power;
  const digits = scaled >= 100 || power === 0 ? 0 : 1;
  return number(scaled, {
    style: 'unit',
    unit: SIZE_UNITS[power] + suffix,
    unitDisplay: 'short',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** @param {number} bytes */
export const size = (bytes) => amount(bytes, '');

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
  const [value, unit] =
    seconds < MINUTE
      ? [Math.ceil(seconds / 10) * 10, 'second']
      : seconds < HOUR
        ? [Math.ceil(seconds / MINUTE), 'minute']
        : [Math.ceil(seconds / HOUR), 'hour'];
  return t('{duration} left', { duration: number(value, { style: 'unit', unit, unitDisplay: 'short' }) });
}

const UNITS = /** @type {const} */ ([[HOUR, 'hour'], [MINUTE, 'minute'], [1, 'second']]);

/** Exactly, in the largest unit that it is a multiple of. @param {number} seconds whole */
export function duration(seconds) {
  const [length, unit] = UNITS.find(([one]) => seconds % one === 0) ?? [1, 'second'];
  return number(seconds / length, { style: 'unit', unit, unitDisplay: 'long' });
}

/** @param {string} time RFC 3339 @param {number} now milliseconds since 1970 */
export function ago(time, now) {
  const seconds = Math.min(0, (Date.parse(time) - now) / 1000);
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  if (seconds > -MINUTE) return relative.format(0, 'second');
  if (seconds > -HOUR) return relative.format(Math.ceil(seconds / MINUTE), 'minute');
  if (seconds > -24 * HOUR) return relative.format(Math.ceil(seconds / HOUR), 'hour');
  return date(time);
}
