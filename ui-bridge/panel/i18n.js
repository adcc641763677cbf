// SPDX-License-Identifier: LGPL-2.1-or-later
// Every word that a reader sees goes through t() or tn(); the English sentence is the key. Catalogues are loaded when they are needed.

/** @typedef {Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>} Messages */

/** What there is besides English, as in po/LINGUAS. */
export const LANGUAGES = ['ar', 'de', 'es', 'fr', 'ja', 'pt-BR', 'zh-CN'];
const RIGHT_TO_LEFT = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/;
const PATIENCE_MS = 5000;

/** @type {Messages} */
let messages = {};
/** For dates and numbers. @type {string | undefined} */
let language;
/** What the words are in. */
let spoken = 'en';
/** @type {string | undefined | null} null: nothing yet */
let asked = null;
let ready = Promise.resolve();
let turn = 0;
/** The turn whose words are there. */
let settled = 0;
/** Words without values that have been handed out, and their English. @type {Map<string, string>} */
let said = new Map();
/** @type {Set<(before: Map<string, string>) => void>} */
const listeners = new Set();

/** Language and script: zh-TW reads another script than zh-CN. @param {string} tag */
function writing(tag) {
  const { language: its, script } = new Intl.Locale(tag).maximize();
  return `${its}-${script}`;
}

/** @param {readonly string[]} wanted best first @returns {[string | undefined, string | null]} locale; catalogue, null: English */
function choose(wanted) {
  for (const name of wanted) {
    try {
      const [tag] = Intl.getCanonicalLocales(name.replaceAll('_', '-'));
      if (writing(tag) === 'en-Latn') return [tag, null];
      const found = LANGUAGES.find((one) => writing(one) === writing(tag));
      if (found || wanted.length === 1) return [tag, found ?? null];
    } catch {
      // No language tag at all.
    }
  }
  return [undefined, null];
}

/** @param {string} name @returns {Promise<Messages | null>} */
async function load(name) {
  // A service worker may be woken while the service is away; then what was loaded last will do.
  for (const cache of /** @type {const} */ (['default', 'force-cache'])) {
    try {
      const answer = await fetch(new URL(`locale/${name}.json`, import.meta.url), { cache, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.ok) return await answer.json();
    } catch {
      // English will do, too.
    }
  }
  return null;
}

/**
 * Speaks another language from now on; elements that are shown change their words.
 * @param {string} [wanted] BCP 47; undefined: the first of the browser's languages that there is
 * @param {Messages} [own] sentence → translation, or one translation for each plural category; without it a catalogue is loaded
 * @returns {Promise<void>} when the words are there
 */
export function setLanguage(wanted, own) {
  if (own || wanted !== asked) ready = change(wanted, own);
  return ready;
}

/** @returns {Promise<void> | null} until the words are there; null: they are */
export const loading = () => (settled === turn ? null : ready);

/** @param {string | undefined} wanted @param {Messages | undefined} own @returns {Promise<void>} */
async function change(wanted, own) {
  asked = wanted;
  const mine = ++turn;
  const [locale, name] = choose(wanted ? [wanted] : (globalThis.navigator?.languages ?? []));
  language = locale;
  const found = own ?? (name ? await load(name) : null);
  if (mine !== turn) return ready;
  settled = mine;
  messages = found ?? {};
  spoken = (own ? locale : found && name) ?? 'en';
  const before = said;
  said = new Map();
  for (const listener of listeners) listener(before);
}

/** @param {(before: Map<string, string>) => void} listener for relabel() @returns {() => void} ends it */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @returns {string | undefined} the language for Intl */
export const locale = () => language;

/** @param {string | undefined} tag */
const script = (tag) => (tag ? new Intl.Locale(tag).maximize().script : undefined);

/** @returns {string} for numbers and times within sentences: the reader's where the words are in that language, too */
export const sentence = () => (language && writing(language) === writing(spoken) ? language : spoken);

/** @returns {string} for dates: the reader's, unless they would stand in another script than the words around them */
export const dates = () => (language && script(language) === script(spoken) ? language : spoken);

/** @returns {string} the language that the words are in */
export const words = () => spoken;

/** @returns {'rtl' | 'ltr'} */
export const direction = () => (RIGHT_TO_LEFT.test(spoken) ? 'rtl' : 'ltr');

const LABELS = ['aria-label', 'title', 'placeholder'];

/** For relabel(): words that were asked for before there was a language are their own English. */
export const untranslated = { get: (/** @type {string} */ text) => (text in messages ? text : undefined) };

/**
 * Says again in the present language what was built once and has never changed since.
 * @param {Node} root
 * @param {{get: (text: string) => string | undefined}} before what the words meant
 */
export function relabel(root, before) {
  for (const node of root.childNodes) {
    if (node instanceof Text) {
      const english = before.get(node.data);
      if (english !== undefined) node.data = t(english);
    } else if (node instanceof Element)
      for (const name of LABELS) {
        const english = before.get(node.getAttribute(name) ?? '');
        if (english !== undefined) node.setAttribute(name, t(english));
      }
    relabel(node, before);
  }
}

/** A name in another script must not turn the sentence around it. @param {string | number} value */
const isolate = (value) => (direction() === 'rtl' && /\p{L}/u.test(String(value)) ? `\u2068${value}\u2069` : String(value));

/** Facts in one line. @param {string[]} facts */
export const line = (facts) => facts.map(isolate).join(' · ');

/** @param {string} text @param {Record<string, string | number>} values */
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => (key in values ? isolate(values[key]) : all));

/**
 * @param {string} text English, with {placeholders}
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values) {
  const found = messages[text];
  const translated = typeof found === 'string' ? found : text;
  if (values) return fill(translated, values);
  said.set(translated, text);
  return translated;
}

/**
 * @param {string} one English for one
 * @param {string} many English for any other number
 * @param {number} count also fills {count}
 * @param {Record<string, string | number>} [values]
 */
export function tn(one, many, count, values = {}) {
  const found = messages[one];
  const translated = typeof found === 'object' ? (found[new Intl.PluralRules(spoken).select(count)] ?? found.other) : null;
  return fill(translated ?? (count === 1 ? one : many), { count: new Intl.NumberFormat(sentence()).format(count), ...values });
}
