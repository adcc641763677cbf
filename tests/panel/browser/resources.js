// SPDX-License-Identifier: LGPL-2.1-or-later
// Slots: how many, for how much, and what they are refused for.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { until } from './visit.js';

const BILLING = ['backup.read', 'backup.create', 'backup.delete', 'slots.write'];

const slots = async (vps) => (await lab('state', { vps })).slots;

/** @type {import('./all.js').Test[]} */
export const resources = [
  [
    'Backup Slots: the first 2 are free, then per step with its price; saved only on Save',
    {},
    async (visit, { web }) => {
      const page = await visit.panel(web, { perms: BILLING, view: 'resources' });
      await page.locator('vps-backup-app').evaluate((app) => {
        app.setAttribute('price', '2.5');
        app.setAttribute('currency', 'EUR');
      });
      await page.getByText('Each slot keeps one backup. The first 2 are free. Each further one costs €2.50 a month.').waitFor();
      const [less, more, total] = [page.getByLabel('Fewer slots'), page.getByLabel('More slots'), page.locator('[part=total]')];
      assert.equal(await less.getAttribute('aria-disabled'), 'true');
      assert.match(await page.locator('[part=slots-reason]').textContent(), /The free slots stay\./);
      await more.click();
      await more.click();
      assert.equal(await total.textContent(), '4');
      assert.match(await page.locator('[part=slots-reason]').textContent(), /^Now €0\.00, then €5\.00 a month \(\+€5\.00\)\./);
      assert.equal((await slots(web)).total, 2, 'nothing is ordered before Save');
      await visit.picture('resources');
      await page.getByRole('button', { name: 'Save' }).click();
      await until(async () => (await slots(web)).total === 4, 'the service has four slots');
      await page.getByRole('button', { name: 'Save' }).waitFor({ state: 'hidden' });
      assert.equal((await slots(web)).billable_steps, 2);
    },
  ],
  [
    'fewer slots than are in use are refused with the reason, by the page and by the service; more than there may be as well',
    {},
    async (visit, { web }) => {
      await lab('call', { method: 'slots.set', params: { vps: web, total: 4 } });
      for (const name of ['one', 'two', 'three']) await lab('backup', { vps: web, name });
      const page = await visit.panel(web, { perms: BILLING, view: 'resources' });
      const less = page.getByLabel('Fewer slots');
      await less.click();
      assert.equal(await less.getAttribute('aria-disabled'), 'true');
      assert.match(await less.getAttribute('title'), /^3 slots are in use\. Delete a backup/);
      assert.match(await page.locator('[part=slots-reason]').textContent(), /3 slots are in use/);
      await visit.picture('slots-in-use');
      // The page's own check is what stops it; the service has the last word.
      const refusal = (app, its) => app.store.setSlots(its, 2).catch(({ reason }) => reason);
      assert.equal(await page.locator('vps-backup-app').evaluate(refusal, web), 'slots_in_use');
      await page.getByRole('button', { name: 'Reset' }).click();
      assert.equal(await page.locator('[part=total]').textContent(), '4');
      const more = page.getByLabel('More slots');
      for (let total = 4; total < 10; total++) await more.click();
      assert.equal(await more.getAttribute('aria-disabled'), 'true');
      assert.match(await page.locator('[part=slots-reason]').textContent(), /More slots are not available/);
      assert.equal((await slots(web)).total, 4);
    },
  ],
  [
    'without the permission to buy there is nothing to press, unless the page takes the order',
    {},
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'resources' });
      await page.getByText('Add slots in your customer area.').waitFor();
      assert.equal(await page.getByRole('button', { name: 'More slots' }).count(), 0);
      await page.locator('vps-backup-app').evaluate((app) => {
        app.setAttribute('slots-request', '');
        app.addEventListener('vps-backup-slots-request', (event) => {
          event.preventDefault();
          window.order = event.detail;
        });
      });
      await page.getByLabel('More slots').click();
      await page.getByRole('button', { name: 'Save' }).click();
      assert.deepEqual(await page.evaluate(() => window.order), { vps: web, total: 3, billable_steps: 1 });
      assert.equal(await page.locator('[part=total]').textContent(), '2', 'nothing is shown that the service has not said');
      assert.equal((await slots(web)).total, 2);
    },
  ],
  [
    'slots that go elsewhere change the page at once',
    {},
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await page.getByText('No backups yet').waitFor();
      await lab('call', { method: 'slots.set', params: { vps: web, total: 10 } });
      await page.locator('vps-backup-panel [part=counter]').getByText('0 / 10').waitFor();
    },
  ],
];
