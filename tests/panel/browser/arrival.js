// SPDX-License-Identifier: LGPL-2.1-or-later
// How one gets in, and what is there to see.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { panelUrl, until } from './visit.js';

/** @type {import('./all.js').Test[]} */
export const arrival = [
  [
    'the page reads VPS and token from the address, clears it, and a reload goes on',
    {},
    async (visit, { web }) => {
      const page = await visit.panel(web);
      assert.equal(page.url(), panelUrl);
      assert.match(await page.title(), /^web-01 – /);
      await page.reload();
      await visit.live();
      assert.equal(await visit.status(), 'Running');
    },
  ],
  [
    'overview: name, status in words and colour, power buttons, the counter on the Backups card',
    {},
    async (visit, { web }) => {
      const page = await visit.panel(web);
      assert.equal(await page.getByRole('heading', { name: 'web-01' }).count(), 1);
      assert.equal(await visit.status(), 'Running');
      const green = await page.locator('[part=status]').evaluate((element) => getComputedStyle(element).color);
      assert.equal(green, 'rgb(18, 112, 59)');
      const disabled = await page.locator('[part~=power] button').evaluateAll((all) => all.map(({ ariaDisabled }) => ariaDisabled));
      assert.deepEqual(disabled, ['true', null, null], 'a running VPS can be stopped and restarted, not started');
      const card = page.locator('vps-backup-summary').getByRole('button', { name: 'Backups', exact: true });
      assert.equal(await page.locator('vps-backup-summary [part=counter]').textContent(), '0 / 2');
      await visit.picture('overview');
      await card.click();
      assert.equal(await page.getByRole('heading', { name: /^Backups/ }).evaluate((element) => element.getRootNode().activeElement === element), true);
      assert.ok(await page.getByText('No backups yet').isVisible());
      await visit.picture('no-backups');
    },
  ],
  [
    'a VPS that the token does not name is not available, and nothing of it is shown',
    {},
    async (visit, { web, db }) => {
      const token = await lab('token', { vps: [web] });
      await visit.page.goto(`${panelUrl}#vps=${db}&token=${token}`);
      await visit.page.getByText('This VPS is not available').waitFor();
      assert.ok(!(await visit.page.content()).includes('db-01'));
      await visit.accessible('missing');
    },
  ],
  [
    'without a token, or with one that is refused, the page says what to do',
    {},
    async (visit, { web }) => {
      await visit.page.goto(panelUrl);
      await visit.page.getByText('Open this page again from your hosting panel.').waitFor();
      await visit.accessible('ended');
      visit.outage = true; // the browser tells the refused upgrade
      await visit.page.goto(`${panelUrl}#vps=${web}&token=a.b.c`);
      await visit.page.reload();
      await visit.page.getByText('Open this page again from your hosting panel.').waitFor();
      await visit.panel(web);
    },
  ],
  [
    'nothing is loaded from anywhere else, under a policy without exceptions',
    {},
    async (visit, { web }) => {
      const answer = await visit.page.goto(panelUrl);
      const headers = answer.headers();
      assert.match(headers['content-security-policy'], /^default-src 'self';/);
      assert.doesNotMatch(headers['content-security-policy'], /unsafe|http|data:|\*/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cache-control'], 'no-cache');
      await visit.panel(web, { view: 'backups' });
      assert.deepEqual([...visit.hosts], [new URL(panelUrl).host]);
    },
  ],
  [
    'a token that may only read shows everything and offers nothing',
    {},
    async (visit, { web }) => {
      const page = await visit.panel(web, { perms: ['backup.read'], view: 'backups' });
      assert.equal(await page.getByRole('button', { name: 'Create Backup' }).count(), 0);
      assert.equal(await page.getByRole('button', { name: 'Stop' }).count(), 0);
      assert.equal(await visit.status(), 'Running');
    },
  ],
  [
    'several VPSs of one token: a list of them, live; the reader chooses, the address remembers, and all are a step away',
    { rate: '6M' },
    async (visit, { web, db }) => {
      const { page } = visit;
      const token = await lab('token', { vps: [web, db] });
      await page.goto(`${panelUrl}#vps=*&token=${token}`);
      const rows = page.locator('vps-backup-list [part=vps]');
      await rows.nth(1).waitFor();
      const said = () => rows.evaluateAll((all) => all.map((row) => row.textContent.replaceAll(/\s+/g, ' ')));
      assert.deepEqual(await said(), ['db-01Running –Last backup0 / 2Backups', 'web-01Running –Last backup0 / 2Backups']);
      assert.equal(await page.getByRole('button', { name: 'Stop' }).count(), 0, 'no VPS is chosen');
      await visit.picture('list');
      const { operation } = await lab('call', { method: 'backup.create', params: { vps: web, name: 'seen in the list' } });
      await rows.last().getByText('Creating Backup').waitFor();
      await rows.last().getByText(/^[1-9]\d*\s?%$/).waitFor();
      await visit.accessible('list at work');
      await lab('call', { method: 'operation.cancel', params: { vps: web, operation: operation.id } });
      await rows.last().getByText('Running').waitFor();

      await rows.filter({ hasText: 'web-01' }).press('Enter');
      await page.getByRole('heading', { name: 'web-01' }).waitFor();
      assert.match(await page.title(), /^web-01 – /);
      const choice = page.getByLabel('VPS', { exact: true });
      assert.deepEqual(await choice.locator('option').allTextContents(), ['Your VPSs', 'db-01', 'web-01']);
      await visit.go('resources');
      await page.reload();
      await visit.live();
      await page.getByRole('heading', { name: 'web-01' }).waitFor();
      await page.getByRole('heading', { name: 'Resources' }).waitFor();
      await page.goBack();
      await page.getByRole('heading', { name: 'Resources' }).waitFor({ state: 'hidden' });
      await page.goForward();
      await page.getByRole('heading', { name: 'Resources' }).waitFor();
      await choice.selectOption('db-01');
      await page.getByRole('heading', { name: 'db-01' }).waitFor();
      await until(async () => (await page.title()).startsWith('db-01 – '), 'the title goes along');
      await visit.accessible('several');
      await choice.selectOption('Your VPSs');
      await rows.first().waitFor();
      assert.doesNotMatch(await page.title(), /db-01/);
      assert.ok(await rows.first().evaluate((row) => row.getRootNode().activeElement === row), 'the focus is in the list');
    },
  ],
  [
    'a token for all VPSs: they are in the list, and the bell hears of each, whichever is on screen',
    {},
    async (visit, { web, db }) => {
      const { page } = visit;
      await page.goto(await visit.address('*', { sub: 'all' }));
      await page.locator('vps-backup-list [part=vps]').nth(1).waitFor();
      await page.goto('about:blank');
      await page.goto(await visit.address(web, { vps: '*', sub: 'all' }));
      await visit.live();
      await lab('backup', { vps: db, name: 'heard of' });
      await visit.toast('backup_completed').getByText('“heard of” is ready.').waitFor();
      assert.match(await page.getByRole('button', { name: /^Notifications/ }).getAttribute('aria-label'), /unread/);
    },
  ],
];
