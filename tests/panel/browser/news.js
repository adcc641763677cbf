// SPDX-License-Identifier: LGPL-2.1-or-later
// Notifications: as they come, and what has happened while nobody looked.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { until } from './visit.js';

const unread = (page) => page.locator('[part=unread]');
const bell = (page) => page.getByRole('button', { name: /^Notifications/ });

/** @type {import('./all.js').Test[]} */
export const news = [
  [
    'what has happened while away is there on return: unread on the bell, read once the list was open',
    {},
    async (visit, { db }) => {
      await visit.panel(db, { sub: 'away' });
      await bell(visit.page).click();
      await until(async () => !(await unread(visit.page).isVisible()), 'all is read');
      await visit.page.goto('about:blank');
      await lab('backup', { vps: db, name: 'while away' });
      const page = await visit.panel(db, { sub: 'away' });
      await unread(page).waitFor();
      assert.equal(await unread(page).textContent(), '1');
      assert.equal(await visit.toast('backup_completed').count(), 0, 'history is not announced again');
      assert.equal(await bell(page).getAttribute('aria-label'), 'Notifications, 1 unread');
      await bell(page).click();
      const list = page.getByRole('dialog', { name: 'Notifications' });
      assert.match(await list.locator('li').first().textContent(), /Backup Completed.*“while away” is ready\..*db-01/);
      assert.equal(await list.locator('li.fresh').count(), 1);
      await visit.picture('notifications');
      await unread(page).waitFor({ state: 'hidden' });
      await bell(page).click();
      await list.waitFor({ state: 'hidden' });
      await bell(page).click();
      await list.waitFor();
      await page.keyboard.press('Escape');
      await list.waitFor({ state: 'hidden' });
      await page.reload();
      await visit.live();
      await bell(page).click();
      await list.locator('li').first().waitFor();
      assert.equal(await list.locator('li.fresh').count(), 0);
      assert.equal(await unread(page).isVisible(), false);
    },
  ],
  [
    'toasts for the outcomes, of a VPS that is not on screen too, with words a screen reader hears once; a success goes by itself, a failure stays',
    {},
    async (visit, { web, db }) => {
      const page = await visit.panel(web, { vps: [web, db], sub: 'both' });
      const backup = await lab('backup', { vps: db, name: 'announced' });
      await visit.toast('backup_completed').waitFor();
      assert.match(await visit.toast('backup_completed').textContent(), /Backup Completed“announced” is ready\.db-01/);
      assert.deepEqual(await page.locator('vps-backup-notifications [role=status].unseen').allTextContents(), [
        'db-01: Backup Completed. “announced” is ready.',
      ]);
      assert.match(await bell(page).getAttribute('aria-label'), /unread/);
      assert.equal(await page.locator('[part=toast]').count(), 1, 'nobody is told twice');
      await lab('damage', { vps: db, backup });
      await lab('call', { method: 'backup.restore', params: { vps: db, backup } });
      await visit.toast('restore_failed').waitFor();
      await lab('backup', { vps: db, name: 'later' });
      await page.locator('[part=toast]', { hasText: 'later' }).waitFor();
      await visit.picture('toast');
      await visit.toast('backup_completed').waitFor({ state: 'detached' });
      assert.ok(await visit.toast('restore_failed').isVisible(), 'it has been there for longer, and stays');
      await visit.toast('restore_failed').getByRole('button', { name: 'Dismiss' }).click();
      await visit.toast('restore_failed').waitFor({ state: 'detached' });
    },
  ],
];
