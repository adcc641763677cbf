// SPDX-License-Identifier: LGPL-2.1-or-later
// Every word that a reader sees goes through t() or tn(); the English sentence is the key.

/** @typedef {Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>} Messages */

/** @type {Messages} */
let messages = {};
/** @type {string | undefined} */
let language;

/**
 * @param {string | undefined} locale BCP 47, for dates and numbers; undefined: the browser's
 * @param {Messages} [catalogue] sentence → translation, or one translation for each plural category
 */
export function setLanguage(locale, catalogue = messages) {
  language = locale;
  messages = catalogue;
}

/** @returns {string | undefined} the language for Intl */
export function locale() {
  return language;
}

/** @param {string} text @param {Record<string, string | number>} values */
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => String(values[key] ?? all));

/**
 * @param {string} text English, with {placeholders}
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values = {}) {
  const found = messages[text];
  return fill(typeof found === 'string' ? found : text, values);
}

/**
 * @param {string} one English for one
 * @param {string} many English for any other number
 * @param {number} count also fills {count}
 * @param {Record<string, string | number>} [values]
 */
export function tn(one, many, count, values = {}) {
  const found = messages[one];
  const translated = typeof found === 'object' ? (found[new Intl.PluralRules(language).select(count)] ?? found.other) : null;
  return fill(translated ?? (count === 1 ? one : many), { count: new Intl.NumberFormat(language).format(count), ...values });
}
