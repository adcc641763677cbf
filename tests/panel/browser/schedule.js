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
  [
    'several schedules: days, hours and what is kept are chosen with the keyboard, the preview says what that means, and more than the slots hold is refused',
    {},
    async (visit, { web }) => {
      await set(web, null);
      const { total } = (await lab('state', { vps: web })).slots;
      const page = await visit.panel(web, { view: 'backups' });
      const panel = page.locator('vps-backup-panel');
      const dialog = page.getByRole('dialog', { name: 'Automatic backups' });
      await panel.getByRole('button', { name: 'Turn on' }).click();
      await dialog.getByText(/^Uses up to \d+ of \d+ slots\.$/).waitFor();
      await dialog.getByText(/^After a while it keeps: /).waitFor();
      const monday = dialog.getByRole('group', { name: 'Days' }).getByRole('checkbox', { name: 'Monday' });
      for (const day of ['Tuesday', 'Wednesday', 'Thursday', 'Saturday', 'Sunday']) await dialog.getByRole('checkbox', { name: day }).press('Space');
      assert.equal(await monday.isChecked(), true);
      await dialog.getByLabel('How often').selectOption({ label: 'Every 12 hours' });
      await dialog.getByLabel('Time of day').fill('20:00');
      await dialog.getByLabel('Backups to keep').fill('1');
      await dialog.getByLabel('One a day, days').fill('40');
      await dialog.getByText(new RegExp(`^This needs 40 slots, and the VPS has ${total}\\.$`)).first().waitFor();
      await visit.picture('schedule-too-many');
      await dialog.getByRole('button', { name: 'Turn on' }).click();
      assert.equal(await dialog.getByLabel('Backups to keep').getAttribute('aria-invalid'), 'true');
      assert.equal(await state(web), null, 'nothing was set');
      await dialog.getByLabel('One a day, days').fill('0');
      await dialog.getByText(`Uses up to 1 of ${total} slots.`).waitFor();
      await monday.press('Space');
      await dialog.getByRole('checkbox', { name: 'Friday' }).press('Space');
      await dialog.getByRole('button', { name: 'Turn on' }).click();
      await dialog.getByText('Choose at least one day.').waitFor();
      await monday.press('Space');
      await dialog.getByRole('checkbox', { name: 'Friday' }).press('Space');
      await dialog.getByText(`Uses up to 1 of ${total} slots.`).waitFor();
      await dialog.getByRole('button', { name: 'Turn on' }).click();
      await dialog.waitFor({ state: 'detached' });
      await panel.getByText(/^On Mon and Fri every 12 hours from 8:00\sAM, keeps 1\. Next: /).waitFor();
      assert.deepEqual(await state(web), { at: '08:00', days: ['mon', 'fri'], every_hours: 12, keep: 1, jitter_minutes: 0, zone: 'Europe/Berlin' });

      await panel.getByRole('button', { name: 'Add another' }).click();
      await dialog.getByLabel('Time of day').fill('03:00');
      await dialog.getByLabel('Backups to keep').fill('1');
      await dialog.getByText(`Uses up to 2 of ${total} slots.`).waitFor();
      await dialog.getByRole('button', { name: 'Turn on' }).click();
      await dialog.waitFor({ state: 'detached' });
      await panel.getByText(/^Daily at 3:00\sAM, keeps 1\./).waitFor();
      await visit.picture('schedules');
      const { schedules } = await lab('state', { vps: web });
      assert.equal(schedules.length, 2);
      // One of an operator's that no field here can express: its times stay when what is kept changes.
      await lab('call', { method: 'schedule.set', params: { vps: web, id: schedules[1].id, schedule: { calendar: '*-*~1 04:00', keep: 1 } } });
      await panel.getByText(/^At “\*-\*~01 04:00”, keeps 1\./).waitFor();
      await panel.getByRole('button', { name: 'Change' }).nth(1).click();
      await dialog.getByText('Its times were set on the command line: *-*~01 04:00').waitFor();
      await dialog.getByLabel('Time zone').selectOption('Europe/Berlin');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await until(async () => (await lab('state', { vps: web })).schedules[1].schedule.zone === 'Europe/Berlin', 'the zone is changed');
      await dialog.waitFor({ state: 'detached' });
      assert.equal((await lab('state', { vps: web })).schedules[1].schedule.calendar, '*-*~01 04:00');
      await panel.getByRole('button', { name: 'Change' }).first().click();
      await dialog.getByRole('button', { name: 'Turn off' }).click();
      await dialog.waitFor({ state: 'detached' });
      await until(async () => (await panel.getByRole('button', { name: 'Change' }).count()) === 1, 'one is left');
      await panel.getByRole('button', { name: 'Change' }).click();
      await dialog.getByRole('button', { name: 'Turn off' }).click();
      await panel.getByText('Automatic backups are off').waitFor();
    },
  ],
];
