// SPDX-License-Identifier: LGPL-2.1-or-later
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import * as format from '../../../ui-bridge/panel/format.js';
import { setLanguage, t, tn } from '../../../ui-bridge/panel/i18n.js';

/** Intl puts narrow and non-breaking spaces where they belong; the tests spell them plainly. */
const plain = (text) => text.replace(/\s/g, ' ');

beforeEach(() => setLanguage('en', {}));

test('sizes', () => {
  for (const [bytes, text] of [
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [999_949, '1.0 MB'],
    [99_949_999, '99.9 MB'],
    [99_960_000, '100 MB'],
    [999.4e6, '999 MB'],
    [999.5e6, '1.0 GB'],
    [1000, '1.0 kB'],
    [1_500_000, '1.5 MB'],
    [67_108_864, '67.1 MB'],
    [123_456_789_012, '123 GB'],
    [2.5e15, '2.5 PB'],
    [7e18, '7,000 PB'],
  ])
    assert.equal(plain(format.size(bytes)), text);
  assert.equal(plain(format.rate(85_000_000)), '85.0 MB/s');
  setLanguage('de', {});
  assert.equal(plain(format.size(1_500_000_000)), '1,5 GB');
});

test('percent rounds down: 100 % means done', () => {
  assert.equal(plain(format.percent(0)), '0%');
  assert.equal(plain(format.percent(99.9)), '99%');
  assert.equal(plain(format.percent(100)), '100%');
  setLanguage('fr', {});
  assert.equal(plain(format.percent(42.7)), '42 %');
});

test('time left is rough', () => {
  for (const [seconds, text] of [
    [0, 'a few seconds left'],
    [11, '20 sec left'],
    [59, '60 sec left'],
    [61, '2 min left'],
    [3600, '1 hr left'],
    [3601, '1 hr 1 min left'],
    [5600, '1 hr 34 min left'],
    [86399, '1 day left'],
    [172_800, '2 days left'],
    [200_000, '2 days 8 hr left'],
  ])
    assert.equal(plain(format.timeLeft(seconds)), text);
});

test('what has been copied is told in the unit of the whole, and with as many decimals', () => {
  assert.deepEqual([97.7e6, 102e6].map((done) => plain(format.share(done, 158e6))), ['98 MB of 158 MB', '102 MB of 158 MB']);
  assert.equal(plain(format.share(5e6, 12.34e9)), '0.0 GB of 12.3 GB');
});

test('without a catalogue, what stands in English sentences is English; dates are the reader’s where they read alike', () => {
  const when = '2026-10-17T12:00:00Z';
  for (const [language, date] of [['sv', /17 okt\. 2026/], ['zh-TW', /Oct 17, 2026/], ['fa', /Oct 17, 2026/]]) {
    setLanguage(language, undefined);
    assert.equal(plain(format.timeLeft(780)), '13 min left', language);
    assert.equal(plain(format.percent(37)), '37%', language);
    assert.equal(tn('{count} slot free', '{count} slots free', 3), '3 slots free', language);
    assert.match(plain(format.date(when)), date, language);
  }
});

test('a duration, exactly', () => {
  for (const [seconds, text] of [[1800, '30 minutes'], [5400, '90 minutes'], [3600, '1 hour'], [90, '90 seconds'], [1, '1 second']]) assert.equal(format.duration(seconds), text);
  setLanguage('de', {});
  assert.equal(format.duration(1800), '30 Minuten');
});

test('dates are in the reader’s language and time zone', () => {
  process.env.TZ = 'Europe/Berlin';
  assert.equal(plain(format.date('2026-11-22T21:54:00Z')), 'Nov 22, 2026, 10:54 PM');
  setLanguage('de', {});
  assert.equal(plain(format.date('2026-11-22T21:54:00Z')), '22.11.2026, 22:54');
  assert.match(plain(format.fullDate('2026-07-01T12:00:00Z')), /14:00:00 MESZ$/);
});

test('how long ago', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  for (const [time, text] of [
    ['2026-11-22T12:00:05Z', 'now'],
    ['2026-11-22T11:59:30Z', 'now'],
    ['2026-11-22T11:58:00Z', '2 minutes ago'],
    ['2026-11-22T09:30:00Z', '2 hours ago'],
  ])
    assert.equal(format.ago(time, now), text);
  for (const [time, text] of [
    ['2026-11-20T12:00:00Z', '2 days ago'],
    ['2026-10-01T12:00:00Z', '52 days ago'],
    ['2026-06-01T12:00:00Z', '5 months ago'],
    ['2024-06-01T12:00:00Z', '2 years ago'],
    ['2026-11-22T16:59:00Z', 'in 5 hours'],
  ])
    assert.equal(format.ago(time, now), text);
});

test('money', () => {
  assert.equal(format.money(2.5, 'EUR'), '€2.50');
  setLanguage('de', {});
  assert.equal(plain(format.money(250, 'JPY')), '250 ¥');
});

test('words: English is the key, a catalogue replaces it, placeholders are filled', () => {
  assert.equal(t('Delete “{name}”?', { name: 'a {b}' }), 'Delete “a {b}”?');
  setLanguage('de', { 'Delete “{name}”?': '„{name}“ löschen?' });
  assert.equal(t('Delete “{name}”?', { name: 'x' }), '„x“ löschen?');
  assert.equal(t('Not translated'), 'Not translated');
});

test('plurals follow the language', () => {
  assert.equal(tn('{count} slot free', '{count} slots free', 1), '1 slot free');
  assert.equal(tn('{count} slot free', '{count} slots free', 1200), '1,200 slots free');
  setLanguage('pl', { '{count} slot free': { one: '{count} wolne', few: '{count} wolne miejsca', other: '{count} wolnych' } });
  assert.equal(tn('{count} slot free', '{count} slots free', 3), '3 wolne miejsca');
  assert.equal(tn('{count} slot free', '{count} slots free', 5), '5 wolnych');
});
