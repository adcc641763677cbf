// SPDX-License-Identifier: LGPL-2.1-or-later
// One lab, one browser, all tests in order. VB_ONLY=PATTERN runs only the tests whose names match.

import test, { after, before } from 'node:test';

import { lab } from './lab.js';
import { closeBrowser, openBrowser, setPanelUrl, Visit } from './visit.js';
import { tests } from './all.js';

/** Bytes a second: what an operation looks like takes seconds to see, and is of no interest to most tests. web-01 holds 24 MiB, db-01 one. */
const RATES = ['0', '6M', '3M', '300K', '1K'];
const settings = (rate) => ({
  operations: { 'bandwidth-limit': rate, 'stall-timeout': rate === '1K' ? '1' : '1800' },
  push: { subject: 'mailto:ops@example.org' },
});

const stage = { web: '', db: '' };

before(async () => {
  const { port } = await lab('start', { ...settings(RATES[0]), bridge: { 'allowed-origins': 'http://127.0.0.1:9080' } });
  setPanelUrl(`http://127.0.0.1:${port}/panel/`);
  [stage.web, stage.db] = await lab('guests', { sizes: { 'web-01': 24, 'db-01': 1 } });
  await openBrowser();
});

after(async () => {
  await closeBrowser();
  await lab('end');
});

const wanted = new RegExp(process.env.VB_ONLY ?? '');
const rateOf = ([, { rate = '0' }]) => RATES.indexOf(rate);

// Another rate is a restart of the service: those with the same one come together.
for (const [name, { rate = '0', ...options }, run] of tests.filter(([name]) => wanted.test(name)).sort((a, b) => rateOf(a) - rateOf(b)))
  test(name, { timeout: 240000 }, async () => {
    await lab('reset', settings(rate));
    const visit = await Visit.start(options);
    try {
      await run(visit, stage);
    } catch (error) {
      await visit.page.screenshot({ path: `${process.env.VB_ARTEFACTS ?? '/tmp'}/when-it-failed.png` }).catch(() => {});
      console.log(`${visit.problems.join('\n')}\n${await lab('log')}`);
      await visit.context.close();
      throw error;
    }
    await visit.end();
  });
