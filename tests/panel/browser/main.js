// SPDX-License-Identifier: LGPL-2.1-or-later
// One lab, one browser, all tests in order. VB_ONLY=PATTERN runs only the tests whose names match.

import test, { after, before } from 'node:test';

import { lab } from './lab.js';
import { closeBrowser, openBrowser, setPanelUrl, Visit } from './visit.js';
import { tests } from './all.js';

/** What a running operation looks like takes seconds to see: 24 MiB at this many bytes a second. */
const RATE = '6M';
const SETTINGS = {
  operations: { 'bandwidth-limit': RATE, 'stall-timeout': '1800' },
  push: { subject: 'mailto:ops@example.org' },
};

const stage = { web: '', db: '', slow: (rate = '2M') => lab('configure', { operations: { 'bandwidth-limit': rate } }) };

before(async () => {
  const { port } = await lab('start', { ...SETTINGS, bridge: { 'allowed-origins': 'http://127.0.0.1:9080' } });
  setPanelUrl(`http://127.0.0.1:${port}/panel/`);
  stage.web = await lab('guest', { name: 'web-01' });
  stage.db = await lab('guest', { name: 'db-01' });
  await openBrowser();
});

after(async () => {
  await closeBrowser();
  await lab('end');
});

for (const [name, options, run] of tests) {
  if (!new RegExp(process.env.VB_ONLY ?? '').test(name)) continue;
  test(name, { timeout: 240000 }, async () => {
    await lab('reset', SETTINGS);
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
}
