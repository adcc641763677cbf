// SPDX-License-Identifier: LGPL-2.1-or-later
// Automatic backups: the line that tells of them, and the dialog that changes it.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { until } from './visit.js';

const state = async (vps) => (await lab('state', { vps })).schedule;
const set = (vps, schedule) => lab('call', { method: 'schedule.set', params: { vps, schedule } });

/** @type {import('./all.js').Test[]} */
export const schedule = [
  [
    'a schedule is set, shown, changed and turned off; only who may make and delete backups finds the button',
    {},
    async (visit, { web }) => {
      await set(web, null);
      const page = await visit.panel(web, { view: 'backups' });
      await page.locator('vps-backup-panel').getByText('Automatic backups are off').waitFor();
      await page.locator('vps-backup-panel').getByRole('button', { name: 'Turn on' }).click();
      const dialog = page.getByRole('dialog', { name: 'Automatic backups' });
      await dialog.getByLabel('Time of day').fill('04:15');
      assert.equal(await dialog.getByLabel('Time zone').inputValue(), 'Europe/Berlin', 'the reader is there');
      assert.equal(await dialog.getByRole('button', { name: 'Turn off' }).count(), 0);
      await visit.picture('schedule-dialog');
      await dialog.getByLabel('Backups to keep').fill('0');
      await dialog.getByRole('button', { name: 'Turn on' }).click();
      await dialog.getByText('Enter a number, 1 or more.').waitFor();
      await dialog.getByLabel('Backups to keep').fill('2');
      await dialog.getByRole('button', { name: 'Turn on' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByText(/^Daily at 4:15\sAM, keeps 2\. Next: .*4:15\sAM$/).waitFor();
      assert.deepEqual(await state(web), { at: '04:15', keep: 2, jitter_minutes: 0, zone: 'Europe/Berlin' });
      await visit.picture('schedule');

      // Somebody else changes it; what the dialog does not show stays.
      await set(web, { at: '22:00', keep: 3, jitter_minutes: 45, zone: 'Asia/Tokyo' });
      await page.getByText(/^Daily at 10:00\sPM \(Asia\/Tokyo\), keeps 3\./).waitFor();
      await page.getByRole('button', { name: 'Change' }).click();
      await dialog.getByLabel('Backups to keep').fill('1');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await until(async () => (await state(web)).keep === 1, 'one is kept');
      assert.deepEqual(await state(web), { at: '22:00', keep: 1, jitter_minutes: 45, zone: 'Asia/Tokyo' });

      await page.goto('about:blank'); // another address of the same page is no visit
      await visit.panel(web, { view: 'backups', perms: ['backup.read', 'backup.create'] });
      await page.getByText(/^Daily at 10:00\sPM/).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Change' }).count(), 0);
      await page.goto('about:blank');
      await visit.panel(web, { view: 'backups' });
      await page.getByRole('button', { name: 'Change' }).click();
      await dialog.getByRole('button', { name: 'Turn off' }).click();
      await page.locator('vps-backup-panel').getByText('Automatic backups are off').waitFor();
      assert.equal(await state(web), null);
    },
  ],
];
