// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever happens to the page, the connection or the service: the page comes to show what the service says.

import assert from 'node:assert/strict';
import { createServer, connect } from 'node:net';

import { lab } from './lab.js';
import { panelUrl, until } from './visit.js';

/** A connection that can go silent without being closed, as sleep and routers make them. */
async function openTunnel() {
  const target = new URL(panelUrl);
  const pairs = [];
  const tunnel = { silent: false, url: '', close: () => server.close() };
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    pairs.push([client, upstream]);
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      from.on('data', (data) => tunnel.silent || to.write(data));
      from.on('close', () => tunnel.silent || to.destroy());
      from.on('error', () => {});
    }
  });
  await new Promise((resolve) => server.listen(9006, '127.0.0.1', resolve));
  tunnel.url = `http://127.0.0.1:9006${target.pathname}`;
  /** Wakes up: what was connected before stays dead, new connections work. */
  tunnel.wake = () => {
    tunnel.silent = false;
    for (const pair of pairs.splice(0)) for (const socket of pair) socket.removeAllListeners('data');
  };
  tunnel.destroy = () => pairs.splice(0).forEach((pair) => pair.forEach((socket) => socket.destroy()));
  return tunnel;
}

const connections = (page) => page.evaluate(() => window.seen.connections);

/** @type {import('./all.js').Test[]} */
export const live = [
  [
    'reload in the middle of a create, and away and back again: it goes on where the service is',
    { rate: '3M' },
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await visit.create('survives reloads');
      await visit.row('survives reloads').getByText(/^Creating [1-9]\d*\s?%$/).waitFor();
      const before = Number(await visit.row('survives reloads').locator('[role=progressbar]').getAttribute('aria-valuenow'));
      await page.reload();
      await visit.row('survives reloads').getByText(/^Creating [1-9]\d*\s?%$/).waitFor();
      const after = Number(await visit.row('survives reloads').locator('[role=progressbar]').getAttribute('aria-valuenow'));
      assert.ok(after >= before, `${after} after ${before}`);
      assert.equal(await visit.status(), 'Creating Backup');
      await visit.go('overview');
      await page.goto('about:blank');
      await page.goBack();
      await visit.live();
      await visit.go('backups');
      await visit.untilConverged(web);
      await visit.untilAvailable('survives reloads');
      await visit.untilConverged(web);
    },
  ],
  [
    'two tabs: what one does, both show; nothing is there twice',
    { rate: '6M' },
    async (visit, { web }) => {
      const one = await visit.panel(web, { view: 'backups' });
      const other = await visit.tab();
      await other.goto(`${panelUrl}#vps=${web}&token=${await lab('token', { vps: [web] })}`);
      await visit.live(other);
      await visit.go('backups', other);
      await visit.create('seen twice', one);
      await visit.row('seen twice', other).waitFor();
      await visit.untilStatus('Creating Backup', other);
      await Promise.all([visit.untilAvailable('seen twice', one), visit.untilAvailable('seen twice', other)]);
      await (await visit.more('seen twice', 'Delete', other)).click();
      await other.locator('dialog [part=confirm]').click();
      await visit.row('seen twice', one).waitFor({ state: 'detached' });
      await visit.untilConverged(web, one);
      await visit.untilConverged(web, other);
    },
  ],
  [
    'the race for a slot is lost in words: a dialog that was open says what the service refuses',
    { rate: '3M' },
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await page.getByRole('button', { name: 'Create Backup' }).click();
      await lab('call', { method: 'backup.create', params: { vps: web, name: 'was quicker' } });
      await visit.row('was quicker').waitFor();
      await page.locator('dialog [part=confirm]').click();
      await page.getByRole('alert').getByText('Another backup or restore is running. Wait until it has finished.').waitFor();
      assert.equal(await page.locator('li[part=backup]').count(), 1);
      await visit.picture('refused');
      await page.keyboard.press('Escape');
      await visit.row('was quicker').getByRole('button', { name: 'Cancel' }).click();
      await page.locator('dialog [part=confirm]').click();
      await visit.row('was quicker').waitFor({ state: 'detached' });
    },
  ],
  [
    'the service is killed in the middle of a create: a banner, growing pauses, then the truth; nothing lost or doubled',
    { rate: '3M' },
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await visit.create('through a crash');
      await visit.row('through a crash').getByText(/^Creating [1-9]\d*\s?%$/).waitFor();
      visit.outage = true;
      await lab('kill');
      await page.getByText('Connection lost. What you see may be out of date.').waitFor();
      assert.equal(await page.locator('vps-backup-panel [part=create]').getAttribute('aria-disabled'), 'true');
      assert.equal(await page.locator('vps-backup-panel [part=create-reason]').textContent(), 'Not connected.');
      assert.equal(await page.locator('[part=power-reason]').textContent(), 'Not connected.');
      await page.waitForTimeout(700); // the banner slides in late, so that a hiccup does not flash
      await visit.picture('connection-lost');
      const tries = () => connections(page).then((all) => all.filter((state) => state === 'waiting').length);
      await until(async () => (await tries()) >= 4, 'it tries again and again');
      await lab('restart');
      await page.getByRole('button', { name: 'Try now' }).click({ timeout: 1000 }).catch(() => {});
      await until(async () => (await connections(page)).at(-1) === 'open', 'it is connected again');
      visit.outage = false;
      await page.getByText('Connection lost').waitFor({ state: 'hidden' });
      await visit.untilConverged(web);
      await until(async () => (await lab('state', { vps: web })).operation === null, 'the operation has ended');
      await visit.untilConverged(web);
      const { operations } = await lab('call', { method: 'operation.list', params: { vps: web, limit: 1 } });
      if (operations[0].state === 'failed') await page.locator('[part=notice]:visible').getByText('Backup Failed').waitFor();
      else await visit.untilAvailable('through a crash');
    },
  ],
  [
    'the service is restarted in order in the middle of a restore',
    { rate: '3M' },
    async (visit, { web }) => {
      const page = await visit.panel(web, { view: 'backups' });
      await lab('write', { vps: web, text: 'kept\n' });
      await visit.create('for the restart');
      await visit.untilAvailable('for the restart');
      await page.getByRole('button', { name: 'Restore: for the restart' }).click();
      await page.locator('dialog [part=confirm]').click();
      await visit.row('for the restart').getByText(/^Restoring [1-9]\d*\s?%$/).waitFor();
      visit.outage = true;
      await lab('stop');
      await lab('restart');
      await until(async () => (await connections(page)).at(-1) === 'open', 'it is connected again');
      visit.outage = false;
      await visit.untilConverged(web);
      await until(async () => (await lab('state', { vps: web })).operation === null, 'the operation has ended');
      await visit.untilConverged(web);
      await visit.untilStatus('Running');
      assert.equal(await lab('read', { vps: web }), 'kept\n');
    },
  ],
  [
    'sleep: a connection that died in silence is found out on waking, and what was missed is there',
    {},
    async (visit, { web }) => {
      const tunnel = await openTunnel();
      try {
        const token = await lab('token', { vps: [web] });
        await visit.page.goto(`${tunnel.url}#vps=${web}&token=${token}`);
        await visit.live();
        await visit.go('backups');
        await visit.page.getByRole('button', { name: 'Create Backup' }).waitFor();
        tunnel.silent = true;
        await lab('call', { method: 'backup.create', params: { vps: web, name: 'made in the night' } });
        await until(async () => (await lab('state', { vps: web })).operation === null, 'it is complete');
        assert.equal(await visit.row('made in the night').count(), 0);
        visit.outage = true;
        tunnel.wake();
        await visit.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await visit.untilAvailable('made in the night');
        await visit.toast('backup_completed').waitFor();
        await visit.untilConverged(web);
      } finally {
        tunnel.destroy();
        tunnel.close();
      }
    },
  ],
  [
    'nothing is shown that the service has not said: a delete without an answer leaves the backup where it is',
    {},
    async (visit, { web }) => {
      await lab('backup', { vps: web, name: 'made in the night' });
      const tunnel = await openTunnel();
      try {
        const token = await lab('token', { vps: [web] });
        const { page } = visit;
        await page.goto(`${tunnel.url}#vps=${web}&token=${token}`);
        await visit.live();
        await visit.go('backups');
        await (await visit.more('made in the night', 'Delete')).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        tunnel.silent = true;
        await (await visit.more('made in the night', 'Delete')).click();
        await page.locator('dialog [part=confirm]').click();
        await page.locator('dialog [part=confirm][aria-busy=true]').waitFor();
        assert.equal(await visit.row('made in the night').count(), 1);
        visit.outage = true;
        tunnel.wake();
        tunnel.destroy();
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await page.getByText('The connection was lost before the server answered.').waitFor();
        assert.equal(await page.locator('dialog [part=confirm]').count(), 0, 'nobody is asked to do it twice');
        await page.keyboard.press('Escape');
        await visit.untilConverged(web);
      } finally {
        tunnel.destroy();
        tunnel.close();
      }
    },
  ],
];
