// SPDX-License-Identifier: LGPL-2.1-or-later
// Every state in every look: nothing sticks out, nothing overlaps, axe finds nothing; the pictures are for people.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DAY, HOUR, MINUTE, EVERYTHING, ago, backup, busy, notification, operation, vps } from './service.js';
import { visiting } from './visit.js';

/** Devices, and the looks that a page on each can be given without loading it again. */
const DEVICES = {
  desktop: [{}, { 1280: { width: 1280, height: 800 }, 'dark-1280': { width: 1280, height: 800, colorScheme: 'dark' }, 'forced-1280': { width: 1280, height: 800, forcedColors: 'active' } }],
  touch: [
    { hasTouch: true, isMobile: true },
    { 390: { width: 390, height: 844 }, 'dark-390': { width: 390, height: 844, colorScheme: 'dark' }, 320: { width: 320, height: 640 } },
  ],
};

const SCHEDULE = { schedule: { at: '03:30', keep: 1, zone: 'Europe/Berlin' }, next_run_at: ago(-5 * HOUR) };

const two = () => [
  backup({ name: 'Before the update', verified_at: ago(3 * DAY) }),
  backup({ name: 'Nightly', scheduled: true, protected: true, created_at: ago(2 * DAY), consistency: 'crash', size_bytes: 12_340_000_000, verified_at: null }),
];

function past(all) {
  const [last, older] = all.backups;
  return [
    operation({ backup: last?.id, state: 'completed', started_at: ago(3 * HOUR + 4 * MINUTE), ended_at: ago(3 * HOUR), progress: 100 }),
    operation({ kind: 'restore', backup: older?.id, state: 'failed', started_at: ago(26 * HOUR), ended_at: ago(25 * HOUR), error: { reason: 'pool_unavailable', message: '' } }),
    operation({ backup: older?.id, state: 'completed', started_at: ago(2 * DAY + 90 * MINUTE), ended_at: ago(2 * DAY), progress: 100 }),
  ];
}

/** Name → [state of the service, view, what is done before the picture]. */
const STATES = {
  overview: () => {
    const all = vps({ backups: two(), ...SCHEDULE });
    return [{ all: [all], operations: past(all) }, 'overview'];
  },
  'overview-empty': () => [{ all: [vps()] }, 'overview'],
  'overview-creating': () => [{ all: [busy('create', { backups: two().slice(0, 1) })] }, 'overview'],
  'overview-queued': () => [{ all: [busy('create', { state: 'queued', progress: 0, bytes_total: 0, eta_s: null })] }, 'overview'],
  'overview-restoring': () => [{ all: [busy('restore', { backups: two().slice(0, 1) })] }, 'overview'],
  'overview-damaged': () => [{ all: [vps({ backups: [backup({ name: 'Nightly', damaged: true }), backup({ name: 'Older', created_at: ago(40 * DAY) })] })] }, 'overview'],
  'overview-undo': () => {
    const all = vps({ backups: two() });
    return [{ all: [{ ...all, undo: { backup: all.backups[0].id, restored_at: ago(MINUTE), until: ago(-23.5 * HOUR) } }] }, 'overview'];
  },
  'overview-no-slots': () => [{ all: [vps({ slots: { total: 0, included: 0 } })] }, 'overview'],
  'overview-reader': () => [{ all: [vps({ backups: two() })], perms: ['backup.read'] }, 'overview'],
  backups: () => {
    const all = vps({ backups: two(), slots: { total: 4, extra: 2 }, ...SCHEDULE });
    return [{ all: [all] }, 'backups'];
  },
  'backups-full': () => [{ all: [vps({ backups: two() })] }, 'backups'],
  'backups-empty': () => [{ all: [vps()] }, 'backups'],
  'backups-no-slots': () => [{ all: [vps({ slots: { total: 0, included: 0 } })] }, 'backups'],
  'backups-creating': () => [{ all: [busy('create', { backups: two().slice(0, 1) })] }, 'backups'],
  'backups-queued': () => [{ all: [busy('create', { state: 'queued', progress: 0, bytes_total: 0, eta_s: null })] }, 'backups'],
  'backups-restoring': () => [{ all: [busy('restore', { usable: true, backups: two().slice(0, 1) })] }, 'backups'],
  'backups-stalled': () => [{ all: [busy('create', { stalled: true })] }, 'backups'],
  'backups-damaged': () => {
    const all = vps({ backups: [backup({ name: 'Nightly', damaged: true }), ...two().slice(0, 1)] });
    const failed = operation({ kind: 'restore', backup: all.backups[0].id, state: 'failed', ended_at: ago(MINUTE), error: { reason: 'checksum_mismatch', message: '' } });
    return [{ all: [all], operations: [failed] }, 'backups'];
  },
  'backups-failed': () => {
    const all = vps({ backups: two().slice(1) });
    return [{ all: [all], operations: [operation({ state: 'failed', ended_at: ago(MINUTE), error: { reason: 'insufficient_space', message: '' } })] }, 'backups'];
  },
  'backups-undo': () => {
    const all = vps({ backups: two() });
    return [{ all: [{ ...all, undo: { backup: all.backups[0].id, restored_at: ago(MINUTE), until: ago(-23.5 * HOUR) } }] }, 'backups'];
  },
  'backups-reader': () => [{ all: [vps({ backups: two() })], perms: ['backup.read'] }, 'backups'],
  'backups-menu': () => [{ all: [vps({ backups: two() })] }, 'backups', (page) => page.getByRole('button', { name: 'More: Nightly' }).click()],
  'restore-dialog': () => [{ all: [vps({ backups: two() })] }, 'backups', (page) => page.getByRole('button', { name: 'Restore: Before the update' }).click()],
  'restore-dialog-all': () => [
    { all: [vps({ backups: two(), slots: { total: 3 }, undo: null })], info: { features: ['instant', 'backup_first', 'undo'] } },
    'backups',
    (page) => page.getByRole('button', { name: 'Restore: Nightly' }).click(),
  ],
  'undo-dialog': () => {
    const all = vps({ backups: two() });
    return [
      { all: [{ ...all, undo: { backup: all.backups[0].id, restored_at: ago(MINUTE), until: ago(-23.5 * HOUR) } }] },
      'backups',
      (page) => page.getByRole('button', { name: /^Undo restore/ }).click(),
    ];
  },
  'delete-dialog': () => [
    { all: [vps({ backups: two() })] },
    'backups',
    async (page) => {
      await page.getByRole('button', { name: 'More: Before the update' }).click();
      await page.getByRole('menuitem', { name: 'Delete' }).click();
    },
  ],
  'create-dialog': () => [{ all: [vps({ power: 'stopped', backups: two().slice(1) })] }, 'backups', (page) => page.locator('vps-backup-panel [part=create]').click()],
  'cancel-dialog': () => [{ all: [busy('create')] }, 'backups', (page) => page.getByRole('button', { name: 'Cancel: Nightly' }).click()],
  'schedule-dialog': () => [
    { all: [vps({ backups: two(), ...SCHEDULE })] },
    'backups',
    async (page) => {
      await page.getByRole('button', { name: 'Change' }).click();
      await page.getByLabel('Backups to keep').fill('50');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('more backups cannot be kept').waitFor();
    },
  ],
  resources: () => [
    { all: [vps({ backups: two(), slots: { total: 4, extra: 2 } })], perms: [...EVERYTHING, 'slots.write'] },
    'resources',
    async (page) => {
      await page.locator('vps-backup-app').evaluate((app) => Object.assign(app, { price: 2.5, currency: 'EUR' }));
      await page.getByRole('button', { name: 'More slots' }).click();
    },
  ],
  'resources-reader': () => [{ all: [vps()], perms: ['backup.read'] }, 'resources'],
  notifications: () => {
    const all = vps({ backups: two() });
    const told = [
      notification(all, 'backup_completed', { read: true }),
      notification(all, 'restore_failed', { reason: 'checksum_mismatch' }),
      notification(all, 'backup_failed', { reason: 'pool_unavailable', backup: null, backup_name: 'Nightly' }),
    ];
    return [{ all: [all], notifications: told }, 'overview', (page) => page.getByRole('button', { name: /^Notifications/ }).click()];
  },
  list: () => [{ all: [busy('create'), vps({ name: 'db-01', backups: two() }), vps({ name: 'a-machine-with-quite-a-long-name.example.org', power: 'stopped' })] }, ''],
  several: () => [
    { all: [busy('create'), vps({ name: 'a-machine-with-quite-a-long-name.example.org', backups: two() })] },
    '',
    (page) => page.locator('vps-backup-list [part=vps]').first().click(),
  ],
};

/** axe's rules that look at colours. */
const COLOURS = ['color-contrast', 'link-in-text-block'];

/** Boxes of the page's buttons that lie over each other, in all shadow trees; what is covered on purpose does not count. */
const overlaps = (page) =>
  page.evaluate(() => {
    const all = [];
    const collect = (node) => {
      if (node instanceof HTMLElement && node.matches('nav button, .buttons button, .actions button, .act button, header button') && node.checkVisibility() && !node.closest('[popover]:not(:popover-open)')) all.push(node);
      for (const child of [...(node.shadowRoot?.children ?? []), ...node.children]) collect(child);
    };
    collect(document.body);
    const found = [];
    // What lies below a dialog is covered on purpose.
    const shown = all.filter((one) => one.closest('dialog, [popover]'));
    if (shown.length) all.splice(0, all.length, ...shown);
    for (const [index, one] of all.entries())
      for (const other of all.slice(index + 1)) {
        const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
        if (a.width && b.width && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
          found.push(`${one.textContent} / ${other.textContent}`);
      }
    // A word that is wider than its button runs into the next one.
    for (const one of all) if (one.scrollWidth > one.clientWidth + 1) found.push(`${one.textContent} sticks out of its button`);
    return found;
  });

const wanted = new RegExp(process.env.VB_ONLY ?? '');
const looks = new RegExp(process.env.VB_LOOK ?? '');

/** @param {import('./visit.js').Visit} visit @param {string} name of the state */
async function judge(visit, name, look, { width, height, colorScheme = 'light', forcedColors = 'none' }) {
  const { page } = visit;
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme, forcedColors });
  if (name.includes('dialog')) assert.ok(await page.locator('dialog[open]').isVisible(), name);
  await visit.picture(`${name}-${look}`);
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) <= 0, `${name}-${look}: nothing sticks out`);
  assert.deepEqual(await overlaps(page), [], `${name}-${look}`);
  // In the dark nothing but colours is different from the same page in the light.
  if (forcedColors === 'none') await visit.accessible(`${name}-${look}`, colorScheme === 'dark' ? COLOURS : undefined);
}

for (const [name, make] of Object.entries(STATES).filter(([name]) => wanted.test(name)))
  for (const [device, [options, all]] of Object.entries(DEVICES)) {
    const its = Object.entries(all).filter(([look]) => looks.test(look));
    if (!its.length) continue;
    test(`${name}, ${device}: whole in each look, and axe finds nothing`, { timeout: 60000 }, async () => {
      const [state, view, prepare] = make();
      const [[, { width, height }]] = its;
      await visiting(
        state,
        async (visit) => {
          const page = await visit.panel(view);
          await page.locator(view ? 'vps-backup-overview [part=status][data-state]' : 'vps-backup-list [part=vps]').first().waitFor();
          if (view && view !== 'resources') await page.locator(view === 'backups' ? 'vps-backup-panel h2' : 'vps-backup-summary [part=counter]:not(:empty), vps-backup-summary [part=card]').first().waitFor();
          await prepare?.(page);
          if (name.includes('dialog')) await page.locator('dialog[open]').waitFor();
          for (const [look, how] of its) await judge(visit, name, look, how);
        },
        { ...options, viewport: { width, height } },
      );
    });
  }
