// SPDX-License-Identifier: LGPL-2.1-or-later
// Which language is spoken, and which of its plural forms. Catalogues are those of the build.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';

import { direction, LANGUAGES, locale, setLanguage, t, tn, words } from '../../../ui-bridge/panel/i18n.js';
import { notificationWords } from '../../../ui-bridge/panel/outcomes.js';

const read = (path) => readFileSync(path, 'utf8');
const po = (name) => read(new URL(`../../../po/${name.replace('-', '_')}.po`, import.meta.url)).replaceAll('"\n"', ''); // long lines are wrapped
const catalogue = (name) => JSON.parse(read(`${process.env.VB_BUILD}/po/${name}.json`));

/** What the service would answer. @type {string[]} */
let asked = [];
globalThis.fetch = async (url) => {
  const file = url.pathname.split('/').at(-1);
  asked.push(file);
  await late[file];
  return { ok: true, json: async () => catalogue(file.replace('.json', '')) };
};
/** Files that take their time. @type {Record<string, Promise<void>>} */
let late = {};

afterEach(async () => {
  await setLanguage('en', {});
  asked = [];
});

test('LINGUAS are the panel’s languages', () => {
  const linguas = read(new URL('../../../po/LINGUAS', import.meta.url)).trim().split('\n');
  assert.deepEqual(LANGUAGES, linguas.map((name) => name.replace('_', '-')));
});

for (const [wanted, its, spoken] of [
  ['de', 'de', 'de'],
  ['de-AT', 'de-AT', 'de'],
  ['de_DE', 'de-DE', 'de'],
  ['pt-PT', 'pt-PT', 'pt-BR'],
  ['zh-SG', 'zh-SG', 'zh-CN'],
  ['zh-TW', 'zh-TW', 'en'],
  ['ar-EG', 'ar-EG', 'ar'],
  ['en-GB', 'en-GB', 'en'],
  ['it', 'it', 'en'],
  ['no language', undefined, 'en'],
])
  test(`${wanted} is answered in ${spoken}`, async () => {
    await setLanguage(wanted);
    assert.deepEqual([locale(), words(), direction()], [its, spoken, spoken === 'ar' ? 'rtl' : 'ltr']);
    assert.deepEqual(asked, spoken === 'en' ? [] : [`${spoken}.json`]);
    assert.equal(t('Backups'), spoken === 'en' ? 'Backups' : catalogue(spoken).Backups);
  });

test('without a wish, the first of the browser’s languages that there is', async () => {
  const browser = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { languages: ['it-IT', 'fr-CH', 'en'] }, configurable: true });
  await setLanguage();
  assert.deepEqual([locale(), words()], ['fr-CH', 'fr']);
  Object.defineProperty(globalThis, 'navigator', browser ?? { value: undefined, configurable: true });
});

test('asked again for the same, it is not loaded again; asked for another meanwhile, that one counts', async () => {
  await setLanguage('de');
  await setLanguage('de');
  assert.deepEqual(asked, ['de.json']);
  let arrive = () => {};
  late = { 'fr.json': new Promise((resolve) => (arrive = resolve)) };
  const first = setLanguage('fr');
  await setLanguage('es');
  arrive();
  await first;
  late = {};
  assert.deepEqual([words(), t('Backups')], ['es', catalogue('es').Backups]);
});

test('own words stay when an element asks for their language', async () => {
  await setLanguage('nl', { Backups: 'Reservekopieën' });
  await setLanguage('nl');
  assert.equal(t('Backups'), 'Reservekopieën');
  assert.equal(words(), 'nl');
});

test('a service that is away: English, and what the cache has', async () => {
  const online = globalThis.fetch;
  const tries = [];
  globalThis.fetch = async (_url, { cache }) => {
    tries.push(cache);
    if (cache === 'force-cache') return { ok: true, json: async () => ({ Backups: 'aus dem Cache' }) };
    throw new TypeError('Failed to fetch');
  };
  await setLanguage('de');
  assert.deepEqual([t('Backups'), tries], ['aus dem Cache', ['default', 'force-cache']]);
  globalThis.fetch = async () => ({ ok: false });
  await setLanguage('fr');
  assert.deepEqual([t('Backups'), words(), direction()], ['Backups', 'en', 'ltr']);
  globalThis.fetch = online;
});

const COUNTS = [...Array(1200).keys(), 1e5, 1e6, 2e6, 1e6 + 3];

for (const name of LANGUAGES)
  test(`${name}: Intl and gettext choose the same plural form`, async () => {
    const header = po(name);
    const [, count, expression] = /Plural-Forms: nplurals=(\d); plural=(.*);\\n/.exec(header);
    const categories = /X-Plural-Categories: (.*)\\n/.exec(header)[1].split(' ');
    const choose = new Function('n', `return Number(${expression})`);
    await setLanguage(name);
    const forms = catalogue(name)['{count} free slot'];
    assert.deepEqual(Object.keys(forms).sort(), [...categories].sort());
    assert.equal(categories.length, Number(count));
    for (const n of COUNTS) {
      const expected = forms[categories[choose(n)]].replace('{count}', new Intl.NumberFormat(name).format(n));
      assert.equal(tn('{count} free slot', '{count} free slots', n), expected, `${n}`);
    }
  });

test('Arabic has six forms, and names in it keep their own direction', async () => {
  await setLanguage('ar');
  const said = [0, 1, 2, 3, 11, 100].map((n) => tn('{count} free slot', '{count} free slots', n));
  assert.equal(new Set(said).size, 6);
  assert.match(t('Delete “{backup}”?', { backup: 'web (1)' }), /\u2068web \(1\)\u2069/);
});

test('a notification’s words, as a service worker says them', async () => {
  const failed = { type: 'restore_failed', backup_name: 'nightly', reason: 'checksum_mismatch' };
  await setLanguage('de');
  assert.deepEqual(notificationWords(failed), {
    title: 'Wiederherstellung fehlgeschlagen',
    body: 'Der VPS ist unverändert. „nightly“: Dieses Backup ist beschädigt und wurde deshalb nicht verwendet. Stellen Sie ein anderes wieder her und kontaktieren Sie den Support.',
    tone: 'red',
  });
});
