// SPDX-License-Identifier: LGPL-2.1-or-later
// What the page says and offers in states that are hard to make for real.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DAY, HOUR, MINUTE, EVERYTHING, ago, backup, busy, operation, vps } from './service.js';
import { pages } from './site.js';
import { visiting } from './visit.js';

const names = (page, role) => page.getByRole(role).evaluateAll((all) => all.map((one) => one.ariaLabel ?? one.textContent));

test('a damaged backup is red and cannot be restored; the overview praises the newest good one', async () => {
  const [bad, good] = [backup({ name: 'Nightly', damaged: true, verified_at: ago(HOUR) }), backup({ name: 'Older', created_at: ago(5 * HOUR), verified_at: ago(3 * DAY) })];
  const failed = operation({ kind: 'restore', backup: bad.id, state: 'failed', ended_at: ago(MINUTE), error: { reason: 'checksum_mismatch', message: '' } });
  await visiting({ all: [vps({ backups: [bad, good] })], operations: [failed] }, async (visit) => {
    const page = await visit.panel('overview');
    const summary = page.locator('vps-backup-summary');
    await summary.getByText('5 hours ago').waitFor();
    assert.match(await summary.locator('article').textContent(), /Older · 1\.6 GB · Checked 3 days ago/);
    assert.equal(await summary.locator('[part=damaged-warning]').textContent(), '“Nightly” is damaged and cannot be restored.');
    await page.getByRole('button', { name: 'Backups', exact: true }).first().click();
    const row = visit.row('Nightly');
    await row.getByText('Damaged').waitFor();
    assert.equal(await row.getByRole('button', { name: 'Restore: Nightly' }).count(), 0);
    assert.ok(await visit.row('Older').getByRole('button', { name: 'Restore: Older' }).isVisible());
    const [r, g, b] = (await row.locator('[part=backup-state]').evaluate((one) => getComputedStyle(one).color)).match(/\d+/g).map(Number);
    assert.ok(r > g && r > b, 'red');
    assert.match(await visit.row('Older').textContent(), /Checked 3 days ago/);
    // The notice names it, offers nothing that cannot work, and goes with it.
    const notice = page.locator('vps-backup-panel [part=notice]:visible');
    assert.match(await notice.textContent(), /^Restore Failed“Nightly”: This backup is damaged/);
    assert.equal(await notice.getByRole('button', { name: 'Try again' }).count(), 0);
    visit.service.change({ backups: [good] });
    await notice.waitFor({ state: 'hidden' });
    await row.waitFor({ state: 'detached' });
  });
});

test('notifications name the backup, in the product’s words; the bell leads there and takes the toasts away', async () => {
  const one = backup({ name: 'Nightly' });
  await visiting({ all: [vps({ backups: [one] }), vps({ name: 'db-01' })] }, async (visit) => {
    const page = await visit.panel('');
    await page.locator('vps-backup-list [part=vps]').first().click();
    for (const [type, reason, words] of [
      ['backup_completed', null, 'Backup Completed“Nightly” is ready.web-01'],
      ['restore_completed', null, 'Restore CompletedThe VPS is back at “Nightly”.web-01'],
      ['backup_failed', 'pool_unavailable', 'Backup Failed“Nightly”: The backup storage cannot be reached right now. Try again later; if it lasts, contact support.web-01'],
      ['restore_failed', 'checksum_mismatch', 'Restore FailedThe VPS is as it was before. “Nightly”: This backup is damaged, so it was not used. Restore another one, and contact support.web-01'],
      ['undo_completed', null, 'Restore UndoneThe VPS is back as it was before “Nightly” was restored.web-01'],
      ['backup_damaged', 'checksum_mismatch', 'Backup Damaged“Nightly”: This backup is damaged, so it was not used. Restore another one, and contact support.web-01'],
    ]) {
      visit.service.tell(type, { reason });
      const toast = page.locator(`[part=toast][data-type=${type}]`);
      await toast.waitFor();
      assert.equal(await toast.textContent(), words);
    }
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await page.locator('[part=toast]').first().waitFor({ state: 'detached' });
    await page.locator('[part=notification]').first().getByRole('button', { name: 'Backup Damaged' }).click();
    await page.locator('vps-backup-panel h2').waitFor();
    assert.equal(await page.locator('[part=notifications]').isVisible(), false);
  });
});

for (const [kind, status, tone] of [['create', 'Creating Backup', 'amber'], ['restore', 'Restoring Backup', 'blue']])
  test(`${kind}: pulse and percentage from the first moment, while it waits for its turn, too`, async () => {
    await visiting({ all: [busy(kind, { state: 'queued', progress: 0, bytes_total: 0, eta_s: null })] }, async (visit) => {
      const page = await visit.panel('backups');
      const state = visit.row('Nightly').locator('[part=backup-state]');
      await state.getByText('Waiting for its turn 0%').waitFor();
      assert.equal(await state.evaluate((one) => getComputedStyle(one, '::before').animationName), 'pulse');
      const [red, green, blue] = (await state.evaluate((one) => getComputedStyle(one).color)).match(/\d+/g).map(Number);
      assert.ok(tone === 'amber' ? red > green && green > blue : blue > red, tone);
      assert.match(await page.locator('vps-backup-overview header').textContent(), new RegExp(`${status}0%`));
      assert.ok(await visit.row('Nightly').locator('[role=progressbar]').isVisible());
    });
  });

test('progress is in the title and in the icon of the page, and both go back', async () => {
  await visiting({ all: [busy('create', { progress: 37.9 })] }, async (visit) => {
    const page = await visit.panel('overview');
    await page.waitForFunction(() => document.title === '37% · web-01 – VPS Backup');
    const icon = page.locator('link[rel=icon]');
    assert.equal(await icon.getAttribute('href'), 'icons/creating-1.svg');
    const { operation: its } = visit.service.all[0];
    visit.service.event('operation.progress', { vps: visit.service.all[0].vps, operation: { ...its, progress: 80 }, seq: 2 });
    await page.waitForFunction(() => document.title.startsWith('80% · '));
    assert.equal(await icon.getAttribute('href'), 'icons/creating-3.svg');
    visit.service.change({ operation: null, status: 'running', seq: 3 });
    await page.waitForFunction(() => document.title === 'web-01 – VPS Backup');
    assert.equal(await icon.getAttribute('href'), 'icon.svg');
  });
});

test('restore: what is lost, side by side; “This cannot be undone” where there is no undo; only what the service offers', async () => {
  const one = backup({ name: 'Nightly' });
  await visiting({ all: [vps({ backups: [one] })] }, async (visit) => {
    const page = await visit.panel('backups');
    await page.getByRole('button', { name: 'Restore: Nightly' }).click();
    const dialog = page.getByRole('dialog', { name: 'Restore “Nightly”?' });
    assert.match(await dialog.textContent(), /Now.*Back to.*3 hr( 1 min)? of changes are lost.*This cannot be undone\. Everything that was written to the disks of web-01 since then is lost/);
    assert.deepEqual(await dialog.getByRole('checkbox').evaluateAll((all) => all.map(({ name }) => name)), ['stop_first']);
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(visit.service.asked, [{ method: 'backup.restore', params: { vps: visit.service.all[0].vps, backup: one.id } }]);
  });
  await visiting({ all: [vps({ backups: [one], undo: null })], info: { features: ['instant', 'backup_first', 'undo'] } }, async (visit) => {
    const page = await visit.panel('backups');
    await page.getByRole('button', { name: 'Restore: Nightly' }).click();
    const dialog = page.getByRole('dialog', { name: 'Restore “Nightly”?' });
    assert.match(await dialog.textContent(), /You can undo this for a while\./);
    assert.doesNotMatch(await dialog.textContent(), /cannot be undone/);
    await dialog.getByLabel(/^Back up the present state first/).check();
    await dialog.getByLabel(/^Instant restore/).check();
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(visit.service.asked[0].params, { vps: visit.service.all[0].vps, backup: one.id, backup_first: true, instant: true });
  });
  // Without a free slot there is nowhere to put the present state.
  await visiting({ all: [vps({ backups: [one, backup()] })], info: { features: ['backup_first'] } }, async (visit) => {
    const page = await visit.panel('backups');
    await page.getByRole('button', { name: 'Restore: Nightly' }).click();
    await page.getByRole('dialog').getByLabel('Stop the VPS right away').waitFor();
    assert.equal(await page.getByLabel(/^Back up the present/).count(), 0);
  });
});

test('undo: offered for as long as the disks are kept, asked once, or the disks are discarded', async () => {
  const one = backup({ name: 'Nightly' });
  const undo = { backup: one.id, restored_at: ago(HOUR), until: ago(-23 * HOUR - MINUTE) };
  await visiting({ all: [vps({ backups: [one], undo })] }, async (visit) => {
    const page = await visit.panel('overview');
    const { vps: id } = visit.service.all[0];
    const button = page.locator('vps-backup-summary').getByRole('button', { name: /^Undo restore · 23 hr left$/ });
    await button.click();
    const dialog = page.getByRole('dialog', { name: 'Undo the restore?' });
    assert.match(await dialog.textContent(), /before “Nightly” was restored on .*This cannot be undone\./);
    await dialog.getByRole('button', { name: 'Undo restore' }).click();
    await dialog.waitFor({ state: 'detached' });
    await button.click();
    await dialog.getByRole('button', { name: 'Discard them now' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(visit.service.asked, [{ method: 'undo.start', params: { vps: id } }, { method: 'undo.discard', params: { vps: id } }]);
    visit.service.change({ undo: null });
    await button.waitFor({ state: 'detached' }).catch(() => button.waitFor({ state: 'hidden' }));
  });
  for (const [state, why] of [[{ all: [vps({ backups: [one] })] }, 'an old service'], [{ all: [vps({ backups: [one], undo })], perms: ['backup.read'] }, 'a reader']])
    await visiting(state, async (visit) => {
      const page = await visit.panel('backups');
      await visit.row('Nightly').waitFor();
      assert.equal(await page.getByRole('button', { name: /^Undo restore/ }).count(), 0, why);
    });
});

test('an instant restore says that the VPS runs already', async () => {
  await visiting({ all: [busy('restore', { usable: true })] }, async (visit) => {
    const page = await visit.panel('backups');
    await visit.row('Nightly').getByText('The VPS is running already').waitFor();
    await page.locator('nav button[data-view=overview]').click();
    await page.locator('vps-backup-summary').getByText('The VPS is running already').waitFor();
  });
});

test('a stopped VPS stays off while it is backed up, says the dialog', async () => {
  for (const [power, words] of [['stopped', /The VPS stays off;/], ['running', /The VPS keeps running;/]])
    await visiting({ all: [vps({ power })] }, async (visit) => {
      const page = await visit.panel('backups');
      await page.locator('vps-backup-panel [part=create-first]').click();
      assert.match(await page.getByRole('dialog').textContent(), words);
      assert.match(await page.getByRole('dialog').textContent(), /Uses 1 of 2 slots\./);
    });
});

test('no two buttons of one dialog say “Cancel”', async () => {
  await visiting({ all: [busy('create')] }, async (visit) => {
    const page = await visit.panel('backups');
    await page.getByRole('button', { name: 'Cancel: Nightly' }).click();
    const dialog = page.getByRole('dialog', { name: 'Stop this backup?' });
    await dialog.waitFor();
    assert.deepEqual(await names(dialog, 'button'), ['Keep going', 'Stop the backup']);
    await dialog.getByRole('button', { name: 'Stop the backup' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(visit.service.asked.map(({ method }) => method), ['operation.cancel']);
  });
});

test('no slots at all: said as it is, with the next step; readers are told to do nothing', async () => {
  const none = () => vps({ slots: { total: 0, included: 0 } });
  await visiting({ all: [none()] }, async (visit) => {
    const page = await visit.panel('overview');
    await page.locator('vps-backup-summary').getByText('This VPS has no backup slots').waitFor();
    await page.locator('nav button[data-view=backups]').click();
    const panel = page.locator('vps-backup-panel');
    await panel.getByText('Add a slot, and you can create a backup.').waitFor();
    assert.equal(await panel.getByText(/Delete a backup|No backups yet/).filter({ visible: true }).count(), 0);
    await panel.getByRole('button', { name: 'Go to Resources' }).click();
    await page.getByRole('heading', { name: 'Resources' }).waitFor();
    assert.doesNotMatch(await page.locator('vps-backup-resources .what').textContent(), /The first 0/);
  });
  for (const its of [none(), vps({ backups: [backup(), backup()] })])
    await visiting({ all: [its], perms: ['backup.read'] }, async (visit) => {
      const page = await visit.panel('backups');
      await page.locator('vps-backup-panel h2').waitFor();
      await page.locator('vps-backup-panel li, vps-backup-panel [part=empty]').filter({ visible: true }).first().waitFor();
      const words = await page.locator('vps-backup-panel').evaluate((panel) => [...panel.shadowRoot.querySelectorAll('p, span, button')].filter((one) => one.checkVisibility()).map((one) => one.textContent).join(' '));
      assert.doesNotMatch(words, /Delete|Add|add slots|Create/);
    });
});

test('schedule: what is missing is said at its field before anything is asked of the service; more than there are slots is refused', async () => {
  await visiting({ all: [vps({ schedule: { at: '03:30', keep: 1, zone: 'UTC' }, next_run_at: ago(-HOUR) })] }, async (visit) => {
    const page = await visit.panel('backups');
    await page.getByRole('button', { name: 'Change' }).click();
    const dialog = page.getByRole('dialog', { name: 'Automatic backups' });
    const [time, keep, save] = [dialog.getByLabel('Time of day'), dialog.getByLabel('Backups to keep'), dialog.getByRole('button', { name: 'Save' })];
    await time.fill('');
    await keep.fill('');
    await save.click();
    await dialog.getByText('Enter a time of day.').waitFor();
    await dialog.getByText('Enter a number, 1 or more.').waitFor();
    assert.equal(await time.getAttribute('aria-invalid'), 'true');
    await time.fill('04:00');
    await keep.fill('50');
    await save.click();
    await dialog.getByText('This VPS has 2 slots: more backups cannot be kept.').waitFor();
    assert.equal(await time.getAttribute('aria-invalid'), null);
    assert.deepEqual(visit.service.asked, []);
    await keep.fill('2');
    await save.click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(visit.service.asked[0].params.schedule, { at: '04:00', keep: 2, zone: 'UTC', jitter_minutes: 0 });
    // Turning off is a button of its own, not a tick in a form that saves.
    await page.getByRole('button', { name: 'Change' }).click();
    await dialog.getByRole('button', { name: 'Turn off' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(visit.service.asked[1].params.schedule, null);
  });
});

test('a failure offers another try', async () => {
  const failed = operation({ state: 'failed', ended_at: ago(MINUTE), error: { reason: 'interrupted', message: '' } });
  await visiting({ all: [vps({ backups: [backup()] })], operations: [failed] }, async (visit) => {
    const page = await visit.panel('backups');
    await page.locator('[part=notice]:visible').getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('dialog', { name: 'Create a backup?' }).waitFor();
  });
});

test('activity: who began what, in the reader’s words; older services do not say', async () => {
  const one = backup({ name: 'Nightly' });
  const operations = ['customer-4711', 'operator', 'schedule', 'reseller', ''].map((by) => ({ by, ...operation({ backup: one.id, state: 'completed', ended_at: ago(HOUR) }) }));
  const state = () => ({ all: [vps({ backups: [one] })], operations: operations.map(({ by, ...its }) => its) });
  const shown = (page) => page.locator('vps-backup-activity [part=activity]').evaluateAll((all) => all.map((one) => one.textContent.match(/Nightly · (by [^·]+|)/)?.[1].trim()));
  await visiting({ ...state(), info: { features: ['activity'] } }, async (visit) => {
    const entries = operations.filter(({ by }) => by).map(({ by, id }, index) => ({ id: 9 - index, at: ago(HOUR), by, method: 'backup.create', target: id }));
    visit.service.answers['activity.list'] = () => ({ entries, next: null });
    const page = await visit.panel('overview');
    await page.locator('vps-backup-activity').getByText('by you').waitFor();
    assert.deepEqual(await shown(page), ['by you', 'by the operator', 'by the schedule', 'by reseller', '']);
  });
  await visiting(state(), async (visit) => {
    const page = await visit.panel('overview');
    await page.locator('vps-backup-activity [part=activity]').first().waitFor();
    assert.deepEqual(await shown(page), ['', '', '', '', '']);
  });
});

test('no backup for a month is said; the overview tells age, next run, space and activity', async () => {
  const one = backup({ created_at: ago(34 * DAY) });
  const all = vps({ backups: [one], schedule: { at: '03:30', keep: 1, zone: 'UTC' }, next_run_at: ago(-5 * HOUR) });
  await visiting({ all: [all], operations: [operation({ backup: one.id, state: 'completed', started_at: ago(34 * DAY + 5 * MINUTE), ended_at: ago(34 * DAY) })] }, async (visit) => {
    const page = await visit.panel('overview');
    const summary = page.locator('vps-backup-summary');
    await summary.getByText('No backup for 34 days.').waitFor();
    assert.match(await summary.locator('article').textContent(), /Last backup34 days ago.*Next automatic backupin 5 hours · .*Slots1 slot free.*Space in backups1\.6\sGB/);
    assert.match(await page.locator('vps-backup-activity section').textContent(), /Backup CompletedBefore the update · took 5 min · 34 days ago/);
    await summary.getByRole('button', { name: 'Create Backup' }).click();
    await page.getByRole('dialog', { name: 'Create a backup?' }).waitFor();
  });
});

test('the first two slots are free, and the bill is told before it is ordered', async () => {
  await visiting({ all: [vps({ slots: { total: 3, extra: 1 } })], perms: [...EVERYTHING, 'slots.write'] }, async (visit) => {
    const page = await visit.panel('resources');
    await page.locator('vps-backup-app').evaluate((app) => Object.assign(app, { price: 2.5, currency: 'EUR' }));
    await page.getByText('Each slot keeps one backup. The first 2 are free. Each further one costs €2.50 a month.').waitFor();
    await page.getByRole('button', { name: 'More slots' }).click();
    await page.getByText('Now €2.50, then €5.00 a month (+€2.50).').waitFor();
    visit.service.answers['slots.set'] = ({ total }) => visit.service.change({ slots: { ...visit.service.all[0].slots, total } }).slots;
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('vps-backup-resources').getByText(/^Saved\./).waitFor();
  });
});

test('offline is noticed within seconds', async () => {
  await visiting({ all: [vps({ backups: [backup()] })] }, async (visit) => {
    const page = await visit.panel('backups');
    await visit.row('Before the update').waitFor();
    visit.service.silent = true;
    await page.evaluate(() => {
      addEventListener('vps-backup-connection', ({ detail }) => (globalThis.lost ||= detail.state === 'waiting'));
      dispatchEvent(new Event('offline'));
    });
    // Silence alone would take it half a minute.
    await page.waitForFunction(() => globalThis.lost, undefined, { timeout: 10000 });
  });
});

test('a page that is refused reads that, not that the server is away', async () => {
  await visiting({ all: [vps()] }, async (visit) => {
    visit.service.refuses = true;
    const page = await visit.panel('backups');
    await page.getByText('The service refuses this page.').waitFor();
    assert.ok(visit.problems.some((one) => /warning: .*allowed-origins/.test(one)), `${visit.problems}`);
    visit.problems = visit.problems.filter((one) => !/allowed-origins|WebSocket connection/.test(one));
  });
});

test('forced colours: the bar has a filling, a disabled button looks it, one tab is the current one', async () => {
  await visiting(
    { all: [busy('create')] },
    async (visit) => {
      const page = await visit.panel('backups');
      const style = (locator, property) => locator.evaluate((one, its) => getComputedStyle(one)[its], property);
      const bar = visit.row('Nightly').locator('[role=progressbar]');
      await bar.waitFor();
      assert.notEqual(await style(bar.locator('i'), 'backgroundColor'), await style(bar, 'backgroundColor'));
      const [off, on] = [page.locator('vps-backup-panel [part=create]'), page.getByRole('button', { name: 'Cancel: Nightly' })];
      assert.notEqual(await style(off, 'color'), await style(on, 'color'));
      const borders = await page.locator('nav button').evaluateAll((all) => all.map((one) => getComputedStyle(one).borderBlockEndColor));
      assert.equal(borders[0], borders[2]);
      assert.notEqual(borders[0], borders[1]);
    },
    { forcedColors: 'active' },
  );
});

test('hover is for those who point: what a finger has tapped does not keep it', async () => {
  await visiting(
    { all: [vps({ backups: [backup()] })] },
    async (visit) => {
      const page = await visit.panel('backups');
      const restore = page.getByRole('button', { name: 'Restore: Before the update' });
      const colour = () => restore.evaluate((one) => getComputedStyle(one).backgroundColor);
      const before = await colour();
      await restore.tap();
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).tap();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal(await colour(), before);
    },
    { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true },
  );
});

test('a new backup takes the focus of the button that has made it', async () => {
  await visiting({ all: [vps({ backups: [backup()] })] }, async (visit) => {
    const page = await visit.panel('backups');
    await page.locator('vps-backup-panel [part=create]').click();
    const created = busy('create', { backups: visit.service.all[0].backups });
    visit.service.answers['backup.create'] = () => (visit.service.change({ ...created, vps: visit.service.all[0].vps }), {});
    await page.getByRole('dialog').getByRole('button', { name: 'Create Backup' }).click();
    const cancel = page.getByRole('button', { name: 'Cancel: Nightly' });
    await cancel.waitFor();
    await page.waitForFunction(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element?.getAttribute('aria-label') === 'Cancel: Nightly';
    });
  });
});

test('words that come late leave no English behind', async () => {
  const its = vps({ name: '01', backups: [backup({ name: '02' })], schedule: { at: '03:30', keep: 1, zone: 'UTC' }, next_run_at: ago(-HOUR) });
  await visiting(
    { all: [its, { ...vps({ name: '03' }) }] },
    async (visit) => {
      await visit.page.route('**/locale/ar.json', async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        await route.continue();
      });
      const page = await visit.panel('');
      await page.locator('vps-backup-list [part=vps]').first().click();
      for (const view of ['backups', 'resources', 'overview']) await page.locator(`nav button[data-view=${view}]`).click();
      await page.locator('vps-backup-summary [part=latest]').waitFor();
      const words = await page.locator('vps-backup-app').evaluate((app) => {
        const listen = (node) => [
          ...(node instanceof Text ? [node.data] : ['aria-label', 'title', 'placeholder'].map((name) => node.getAttribute?.(name) ?? '')),
          ...[...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].flatMap(listen),
        ];
        return listen(app).filter((one) => /[A-Za-z]{4}/.test(one));
      });
      assert.deepEqual(words, []);
    },
    { locale: 'ar' },
  );
});

test('all VPSs: what needs attention is a click away, and several are backed up at once', async () => {
  const bad = vps({ name: 'bad', backups: [backup({ damaged: true })] });
  const all = [vps({ name: 'fresh', backups: [backup()] }), vps({ name: 'stale', backups: [backup({ created_at: ago(40 * DAY) })] }), bad, busy('create'), vps({ name: 'full', backups: [backup(), backup()] })];
  await visiting({ all }, async (visit) => {
    const page = await visit.panel('');
    const rows = page.locator('vps-backup-list [part=vps]');
    await rows.nth(4).waitFor();
    const shown = () => rows.locator('strong').allTextContents();
    const filter = (name) => page.locator(`vps-backup-list [data-filter=${name}]`);
    assert.deepEqual(await page.locator('vps-backup-list [part=filter]').allTextContents(), ['All5', 'In progress1', 'No recent backup3', 'Needs attention1']);
    await filter('trouble').click();
    assert.deepEqual(await shown(), ['bad']);
    await filter('stale').click();
    assert.deepEqual(await shown(), ['bad', 'stale', 'web-01']);
    await page.getByRole('button', { name: 'Back up 2 VPSs' }).click();
    const dialog = page.getByRole('dialog', { name: 'Back up 2 VPSs now?' });
    await dialog.getByText('bad, stale').waitFor();
    await dialog.getByRole('button', { name: 'Create Backups' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(visit.service.asked.map(({ method, params }) => [method, params.vps]), [['backup.create', bad.vps], ['backup.create', all[1].vps]]);
  });
});

test('the page as its operator has set it: colour, support, prices, and where slots are ordered', async () => {
  const failed = operation({ state: 'failed', ended_at: ago(MINUTE), error: { reason: 'internal', message: '' } });
  await visiting({ all: [vps({ backups: [backup()] })], operations: [failed] }, async (visit) => {
    const set = '<vps-backup-app price="2.50" currency="CHF" support-url="https://help.example/" data-accent="b3261e,ffb4ab" data-slots-request="/order/{vps}/{total}"';
    await visit.page.route('**/panel/', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace('<vps-backup-app', set) });
    });
    pages.set(`/order/${visit.service.all[0].vps}/3`, '<!doctype html><title>Order</title>');
    const page = await visit.panel('backups');
    const create = page.locator('vps-backup-panel [part=create]');
    await page.locator('vps-backup-panel [part=create]:not([aria-disabled=true])').waitFor(); // before the data is there it is grey
    const style = (property) => create.evaluate((one, its) => getComputedStyle(one)[its], property);
    assert.deepEqual([await style('backgroundColor'), await style('color')], ['rgb(179, 38, 30)', 'rgb(255, 255, 255)']);
    assert.equal(await page.locator('[part=notice]:visible').getByRole('link', { name: 'Contact support' }).getAttribute('href'), 'https://help.example/');
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.deepEqual([await style('backgroundColor'), await style('color')], ['rgb(255, 180, 171)', 'rgb(16, 16, 20)']);
    await page.locator('nav button[data-view=resources]').click();
    await page.getByText('Each further one costs CHF 2.50 a month.').waitFor();
    await page.getByRole('button', { name: 'More slots' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(`**/order/${visit.service.all[0].vps}/3`);
    visit.problems = visit.problems.filter((one) => !/WebSocket|404/.test(one));
  }, { reducedMotion: 'reduce' });
});
