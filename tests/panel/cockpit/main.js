// SPDX-License-Identifier: LGPL-2.1-or-later
// The Cockpit package in a real browser, in the distribution's cockpit-ws and cockpit-bridge, against the real bridge and manager on doubles.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { VB_SOURCE: SOURCE, VB_BUILD: BUILD } = process.env;
const VPS = '11111111-2222-4333-8444-555555555555';
const DEADLINE_MS = 120000;
const ARTEFACTS = process.env.VB_ARTEFACTS ?? '/tmp';

const folder = mkdtempSync(join(tmpdir(), 'vb-cockpit-'));
const running = [];
let browser, port, tell;

function start(command, words, options) {
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  running.push(child);
  return child;
}

const picture = (page, name) => page.screenshot({ path: join(ARTEFACTS, `cockpit-${name}.png`) });

/** A port that is free now. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(free));
    });
  });
}

/** The bridge, and a way to tell it what happens. */
async function startService() {
  mkdirSync(join(folder, 'service/keys'), { recursive: true });
  const host = start(join(BUILD, 'tests/integration/bridge/bridge-host'), [join(folder, 'service'), `vps=${VPS}`]);
  const lines = createInterface({ input: host.stdout })[Symbol.asyncIterator]();
  assert.match((await lines.next()).value, /^ready/);
  return async (words) => {
    host.stdin.write(`${words}\n`);
    assert.equal((await lines.next()).value, 'ok');
  };
}

/** As meson installs them. */
function install() {
  const target = join(folder, 'share/cockpit/vps-backup');
  cpSync(join(SOURCE, 'ui-bridge/cockpit'), target, { recursive: true });
  cpSync(join(SOURCE, 'ui-bridge/panel'), join(target, 'panel'), { recursive: true });
  rmSync(join(target, 'meson.build'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/vps-backupctl'), `#!/bin/sh\nexec ${BUILD}/ui-bridge/vps-backupctl --socket ${folder}/service/run/socket "$@"\n`, { mode: 0o755 });
}

before(async () => {
  install();
  tell = await startService();
  port = await freePort();
  start('/usr/lib/cockpit/cockpit-ws', ['--no-tls', '--address', '127.0.0.1', '--port', String(port), '--local-session', 'cockpit-bridge'], {
    env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, XDG_DATA_DIRS: `${join(folder, 'share')}:/usr/share`, HOME: folder },
  });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
});

after(async () => {
  await browser?.close();
  for (const child of running.reverse()) child.kill();
  rmSync(folder, { recursive: true });
});

/** cockpit-ws takes a moment to listen. */
async function open(page) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    try {
      await page.goto(`http://127.0.0.1:${port}/cockpit/@localhost/vps-backup/index.html`);
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

test('an operator makes a backup and goes back to it', { timeout: 2 * DEADLINE_MS }, async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US' });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && !/favicon|404/.test(message.text()) && problems.push(message.text()));
  await open(page);
  await page.locator('vps-backup-app').getByText('there from the start').first().waitFor();
  await page.locator('nav button[data-view=backups]').click();
  const panel = page.locator('vps-backup-panel');
  await panel.getByRole('button', { name: 'Create Backup' }).click();
  await page.getByRole('dialog').locator('input').fill('from Cockpit');
  await page.locator('dialog [part=confirm]').click();
  const row = panel.locator('li[data-state=available]', { has: page.locator('strong:text-is("from Cockpit")') });
  await row.waitFor();
  await picture(page, 'backups');
  await row.getByRole('button', { name: 'Restore: from Cockpit' }).click();
  await page.locator('dialog [part=confirm]').click();
  await page.locator('[part=toast][data-type=restore_completed]').first().waitFor();
  // What doctor finds is what it prints.
  await page.getByText('Check of this host').click();
  await page.locator('#doctor pre').getByText(/pool|libvirt/i).first().waitFor();
  await picture(page, 'doctor');
  assert.deepEqual(problems, []);
});

test('a service that is not there is named; the style follows Cockpit', { timeout: 2 * DEADLINE_MS }, async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 800 }, colorScheme: 'dark', locale: 'en-US' });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  await tell('stop-bridge');
  await open(page);
  await page.locator('#problem').getByText(/No service answers/).waitFor();
  assert.equal(await page.locator('vps-backup-app').getAttribute('theme'), 'dark');
  await picture(page, 'away');
});
