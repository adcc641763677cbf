// SPDX-License-Identifier: LGPL-2.1-or-later
// The main job, from the first backup to the guest's old data, and all that can happen on the way.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { record, recorded } from './recorder.js';
import { until } from './visit.js';

const LOCKED = 'off off off';

/** Every value once, in order. @param {any[]} values */
const percents = (values) => values.map((value) => Number(value.split(' ')[1])).filter(Number.isFinite);

/** @param {string} color rgb(…) */
const channels = (color) => color.match(/\d+/g).map(Number);

/** @type {import('./all.js').Test[]} */
export const backups = [
  [
    'create: amber and a growing percentage, 100 %, green with the size; power is locked and says why',
    { rate: '6M' },
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await record(page, 'before the update');
      await visit.create('before the update');
      const row = visit.row('before the update');
      await row.getByText(/^Creating \d+\s?%$/).waitFor();
      await row.getByText(/left · .*B of .* MB · .*B\/s/).waitFor();
      await page.evaluate(() => (window.seen.shifts = [])); // the first backup has taken the place of “No backups yet”
      const state = row.locator('[part=backup-state]');
      const [red, green, blue] = channels(await state.evaluate((element) => getComputedStyle(element).color));
      assert.ok(red > green && green > blue, 'amber');
      assert.equal(await state.evaluate((element) => getComputedStyle(element, '::before').animationName), 'pulse');
      assert.equal(await page.locator('[part=power-reason]').textContent(), 'Locked until the backup has finished.');
      assert.equal(await page.locator('vps-backup-panel [part=create]').getAttribute('aria-disabled'), 'true');
      assert.match(await page.locator('vps-backup-panel [part=create-reason]').textContent(), /A backup is being created/);
      await visit.picture('creating');
      await visit.untilAvailable('before the update');
      await until(async () => (await visit.status()) === 'Running', 'it is running again');
      await until(() => row.locator('[role=progressbar]').isHidden(), 'the bar has gone');
      const seen = await recorded(page);

      const [r, g, b] = channels(await state.evaluate((element) => getComputedStyle(element).color));
      assert.ok(g > r && g > b, 'green');
      assert.deepEqual(await row.locator('button:visible').evaluateAll((all) => all.map((one) => [one.querySelector('svg').dataset.icon, one.ariaLabel])), [
        ['restore', 'Restore: before the update'],
        ['menu', 'More: before the update'],
      ]);
      await visit.more('before the update', 'Rename');
      assert.deepEqual(await row.getByRole('menuitem').evaluateAll((all) => all.map((one) => [one.querySelector('svg').dataset.icon, one.textContent])), [
        ['pencil', 'Rename'],
        ['lock', 'Protect'],
        ['trash', 'Delete'],
      ]);
      await page.keyboard.press('Escape');
      assert.match(await row.locator('[part=backup-facts]').textContent(), /^[\d.]+\sMB · (Crash-c|C)onsistent$/);
      assert.equal(await row.locator('[part=backup-time]').textContent(), 'now');
      const grown = percents(seen.rows.filter((one) => !one.startsWith('available')));
      assert.ok(grown.length > 5, `${seen.rows}`);
      assert.deepEqual(grown, [...grown].sort((a, b) => a - b), 'progress never goes back');
      assert.ok(percents(seen.rows.slice(0, -3)).every((percent) => percent < 100), `100 % is kept for what is done: ${seen.rows}`);
      assert.deepEqual(seen.rows.slice(-2), ['available 100', 'available -']);
      assert.deepEqual(seen.statuses, ['Running', 'Creating Backup', 'Running']);
      assert.ok(seen.power.includes(LOCKED));
      assert.equal(seen.power.at(-1), 'off on on');
      assert.ok(seen.facts.some((facts) => /left · /.test(facts)), `${seen.facts}`);
      assert.equal(seen.places.length, 1, `nothing moves: ${seen.places.join(' | ')}`);
      assert.ok(seen.spoken.length <= 7, `a reader is not talked to all the time: ${seen.spoken.join(' | ')}`);
      assert.ok(seen.spoken.includes('Creating “before the update”.'), `${seen.spoken}`);
      assert.deepEqual(seen.shifts, [], 'no layout shift while progress runs');
      await visit.picture('available');
    },
  ],
  [
    'restore: says what will be lost; blue, power locked; then the guest has its old data',
    { rate: '6M' },
    async (visit, { web }) => {
      await lab('write', { vps: web, text: 'good\n' });
      await lab('backup', { vps: web, name: 'before the update' });
      await lab('write', { vps: web, text: 'bad\n' });
      const page = await visit.panel(web, { view: 'backups' });
      const row = visit.row('before the update');
      await row.getByRole('button', { name: 'Restore: before the update' }).click();
      const dialog = page.getByRole('dialog', { name: 'Restore “before the update”?' });
      assert.match(await dialog.textContent(), /You can undo this for a while\. Everything that was written to the disks of web-01 since then is gone after the restore/);
      await visit.picture('restore-dialog');
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      assert.equal(await dialog.count(), 0);
      assert.equal(await visit.status(), 'Running');

      await record(page, 'before the update');
      await row.getByRole('button', { name: 'Restore: before the update' }).click();
      await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
      await visit.untilStatus('Restoring Backup');
      await row.getByText(/^Restoring \d+\s?%$/).waitFor();
      const [red, , blue] = channels(await row.locator('[part=backup-state]').evaluate((element) => getComputedStyle(element).color));
      assert.ok(blue > red, 'blue');
      assert.equal(await row.locator('[part=backup-state]').evaluate((element) => getComputedStyle(element, '::before').animationName), 'pulse');
      assert.equal(await page.locator('[part=power-reason]').textContent(), 'Locked until the restore has finished.');
      assert.match(await page.locator('vps-backup-panel [part=create-reason]').textContent(), /A backup is being restored/);
      await visit.picture('restoring');
      await visit.toast('restore_completed').waitFor();
      await visit.untilStatus('Running');
      const seen = await recorded(page);
      assert.ok(seen.power.includes(LOCKED));
      assert.equal(seen.power.at(-1), 'off on on');
      const grown = percents(seen.rows.filter((one) => one.startsWith('restoring')));
      assert.deepEqual(grown, [...grown].sort((a, b) => a - b), 'progress never goes back');
      assert.equal(await lab('read', { vps: web }), 'good\n');
    },
  ],
  [
    'slots full: Create is disabled, says why, and leads to Resources',
    {},
    async (visit, { web }) => {
      await lab('backup', { vps: web, name: 'the first' });
      const page = await visit.panel(web, { view: 'backups' });
      await visit.create('');
      await until(async () => (await page.locator('li[part=backup]').count()) === 2, 'the second backup is there');
      await visit.untilConverged(web);
      await until(async () => (await lab('state', { vps: web })).operation === null, 'it is complete');
      await page.locator('vps-backup-panel').getByText('All backup slots are in use. Delete a backup or add slots.').waitFor();
      const create = page.locator('vps-backup-panel [part=create]');
      assert.equal(await create.getAttribute('aria-disabled'), 'true');
      await create.click({ force: true });
      assert.equal(await page.getByRole('dialog').count(), 0, 'a disabled button does nothing');
      const [{ name }] = (await lab('state', { vps: web })).backups;
      assert.match(name, /^\w{3} \d+, 20\d\d, \d+:\d\d\s[AP]M$/, 'without a name it has the reader’s date and time');
      const ids = (await lab('state', { vps: web })).backups.map(({ id }) => id);
      assert.deepEqual(await page.locator('li[part=backup]').evaluateAll((rows) => rows.map(({ dataset }) => dataset.id)), ids, 'newest first');
      await visit.picture('full');
      await page.getByRole('button', { name: 'Go to Resources' }).click();
      await page.getByRole('heading', { name: 'Resources' }).waitFor();
      await visit.go('overview');
      assert.match(await page.locator('vps-backup-summary article').textContent(), /^Backups2 \/ 2Last backup.*All slots in use/);
    },
  ],
  [
    'delete asks once, and frees the slot',
    {},
    async (visit, { web }) => {
      await lab('backup', { vps: web, name: 'the only one' });
      const page = await visit.panel(web, { view: 'backups' });
      const name = 'the only one';
      await (await visit.more(name, 'Delete')).click();
      const dialog = page.getByRole('dialog', { name: `Delete “${name}”?` });
      await visit.picture('delete-dialog');
      await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
      await visit.row(name).waitFor({ state: 'detached' });
      await page.locator('vps-backup-panel').getByText('No backups yet').waitFor();
      assert.equal((await lab('state', { vps: web })).slots.used, 0);
      const heading = page.getByRole('heading', { name: /^Backups/ });
      await until(() => heading.evaluate((element) => element.getRootNode().activeElement === element), 'the focus is at the heading');
    },
  ],
  [
    'rename in place: Enter saves, Escape leaves it, an empty name is not taken, nothing else is touched',
    {},
    async (visit, { web }) => {
      await lab('backup', { vps: web, name: 'before the update' });
      const page = await visit.panel(web, { view: 'backups' });
      const edit = async (name) => {
        await page.getByRole('button', { name: /^More: / }).click();
        await page.getByRole('menuitem', { name: 'Rename' }).click();
        await page.getByLabel('Name', { exact: true }).fill(name);
      };
      await edit('thrown away');
      await page.keyboard.press('Escape');
      await visit.row('before the update').waitFor();
      await edit('');
      await page.keyboard.press('Enter');
      assert.ok(await page.getByLabel('Name', { exact: true }).isVisible());
      await visit.picture('rename');
      await page.getByLabel('Name', { exact: true }).fill('<b>Größe & “Söhne”</b> 名前');
      await page.keyboard.press('Enter');
      await visit.row('<b>Größe & “Söhne”</b> 名前').waitFor();
      assert.equal((await lab('state', { vps: web })).backups[0].name, '<b>Größe & “Söhne”</b> 名前');
      await edit('before the update');
      await page.getByRole('button', { name: 'Save' }).click();
      await visit.row('before the update').waitFor();
    },
  ],
  [
    'a protected backup has a lock and says why it cannot be deleted; the protection is taken away again; without the right to delete there is nothing to press',
    {},
    async (visit, { web }) => {
      const id = await lab('backup', { vps: web, name: 'the good one' });
      const page = await visit.panel(web, { view: 'backups' });
      const row = visit.row('the good one');
      const lock = row.getByRole('img', { name: 'Protected' });
      assert.equal(await lock.isVisible(), false);
      await (await visit.more('the good one', 'Protect')).click();
      await lock.waitFor();
      const [{ protected: is }] = (await lab('state', { vps: web })).backups;
      assert.equal(is, true);
      const remove = await visit.more('the good one', 'Delete');
      assert.equal(await remove.getAttribute('aria-disabled'), 'true');
      assert.equal(await remove.textContent(), 'DeleteIt is protected. Unprotect it first.');
      await remove.click({ force: true });
      assert.equal(await page.getByRole('dialog').count(), 0);
      await visit.picture('protected');
      await page.keyboard.press('Escape');

      const reader = await visit.tab();
      await reader.goto(await visit.address(web, { perms: ['backup.read', 'backup.create'] }));
      await visit.live(reader);
      await visit.go('backups', reader);
      await visit.row('the good one', reader).getByRole('img', { name: 'Protected' }).waitFor();
      assert.equal(await (await visit.more('the good one', /protect|delete/i, reader)).count(), 0);

      await (await visit.more('the good one', /^Unprotect/)).click();
      await lock.waitFor({ state: 'hidden' });
      await visit.row('the good one', reader).getByRole('img', { name: 'Protected' }).waitFor({ state: 'hidden' });
      assert.equal(await (await visit.more('the good one', 'Delete')).getAttribute('aria-disabled'), null);
      await page.keyboard.press('Escape');
      // What the page does not know of yet, the service refuses.
      await page.locator('vps-backup-app').evaluate((app, [vps, backup]) => app.store.protect(vps, backup, true), [web, id]);
      const refusal = await page.locator('vps-backup-app').evaluate((app, [vps, backup]) => app.store.delete(vps, backup).catch(({ reason }) => reason), [web, id]);
      assert.equal(refusal, 'forbidden');
      await lock.waitFor();
      await (await visit.more('the good one', /^Unprotect/)).click();
      await lock.waitFor({ state: 'hidden' });
    },
  ],
  [
    'cancel while creating: the slot is free again, and nobody is told that it failed',
    { rate: '6M' },
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await visit.create('to be cancelled');
      await visit.row('to be cancelled').getByText(/^Creating \d+\s?%$/).waitFor();
      await visit.row('to be cancelled').getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Stop the backup' }).click();
      await visit.row('to be cancelled').waitFor({ state: 'detached' });
      await page.locator('vps-backup-panel').getByText('No backups yet').waitFor();
      await visit.untilStatus('Running');
      assert.equal(await page.locator('[part=notice]:visible').count(), 0);
    },
  ],
  [
    'a failed operation shows why and what to do, until it is put away',
    {},
    async (visit, { web }) => {
      const backup = await lab('backup', { vps: web, name: 'before the update' });
      const page = await visit.panel(web, { view: 'backups' });
      await lab('write', { vps: web, text: 'third\n' });
      await lab('damage', { vps: web, backup });
      await record(page, 'before the update');
      await page.getByRole('button', { name: 'Restore: before the update' }).click();
      await page.locator('dialog [part=confirm]').click();
      const notice = page.locator('[part=notice]:visible');
      await notice.waitFor();
      assert.match(await notice.textContent(), /Restore Failed“before the update”: This backup is damaged.*contact support\..*as it was before/);
      // Now that it is known, it is offered no more, and the service would refuse it.
      await visit.row('before the update').getByText('Damaged').waitFor();
      assert.equal(await page.getByRole('button', { name: 'Restore: before the update' }).count(), 0);
      await visit.untilStatus('Running');
      assert.ok(!(await recorded(page)).rows.includes('available 100'), 'it does not look as if it had been done');
      assert.equal(await lab('read', { vps: web }), 'third\n');
      await visit.picture('failed');
      await notice.getByRole('button', { name: 'Dismiss' }).click();
      await page.reload();
      await visit.live();
      await visit.untilConverged(web);
      assert.equal(await page.locator('[part=notice]:visible').count(), 0);
    },
  ],
  [
    'a backup that fails: a toast and a notice say why, nothing is kept, and the slot is free',
    { rate: '3M' },
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await visit.create('in vain');
      await page.locator('vps-backup-panel').getByText(/^Creating [1-9]\d*\s?%$/).waitFor();
      await lab('pool', { away: true });
      try {
        await visit.toast('backup_failed').waitFor();
      } finally {
        await lab('pool', { away: false });
      }
      const why = 'The backup storage cannot be reached right now. Try again later; if it lasts, contact support.';
      assert.ok((await visit.toast('backup_failed').textContent()).includes(why));
      const notice = page.locator('[part=notice]:visible');
      assert.equal(await notice.textContent(), `Backup Failed${why} No backup was kept, and its slot is free again.Try againContact support`);
      await page.locator('vps-backup-panel').getByText('No backups yet').waitFor();
      await visit.untilConverged(web);
      await visit.accessible('backup failed');
    },
  ],
  [
    'power: stop asks and can be forced, start does not ask; a stopped VPS is backed up and restored, and stays off',
    {},
    async (visit, { db }) => {
      await lab('write', { vps: db, text: 'while on\n' });
      const page = await visit.panel(db, { view: 'backups' });
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
      await visit.picture('stop-dialog');
      await page.getByLabel(/^Force power off/).check();
      await page.locator('dialog [part=confirm]').click();
      await visit.untilStatus('Stopped');
      assert.equal(await lab('active', { vps: db }), false);
      await visit.create('while off');
      await visit.untilAvailable('while off');
      await page.getByRole('button', { name: 'Restore: while off' }).click();
      await page.getByText('The VPS stays off. Start it when the restore has finished.').waitFor();
      await page.locator('dialog [part=confirm]').click();
      await visit.toast('restore_completed').waitFor();
      assert.deepEqual((await page.evaluate(() => window.seen.statuses.map(({ status }) => status))).slice(-2), ['restoring_backup', 'stopped']);
      assert.equal(await visit.status(), 'Stopped');
      await page.getByRole('button', { name: 'Start', exact: true }).click();
      await visit.untilStatus('Running');
      assert.equal(await lab('read', { vps: db }), 'while on\n');
    },
  ],
];
