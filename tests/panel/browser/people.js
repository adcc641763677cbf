// SPDX-License-Identifier: LGPL-2.1-or-later
// For people: without a mouse, in any width, dark or light, from right to left, without motion.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { until, Visit } from './visit.js';

/** The element that has the focus, through all shadow roots. */
const focused = (page) =>
  page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return `${element.tagName} ${element.ariaLabel ?? element.name ?? ''}${element.ariaLabel || element.name ? '' : element.textContent.trim()}`.trim();
  });

/** What a button opens may have to be loaded first. */
const focusComesTo = (page, wanted) => until(async () => (await focused(page)) === wanted, `the focus is at ${wanted}`);

async function tabTo(page, wanted) {
  for (let presses = 0; presses < 40; presses++) {
    if ((await focused(page)).endsWith(wanted)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${wanted}; it is at ${await focused(page)}`);
}

/** How far anything sticks out to the side. */
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** @type {Record<string, {width: number, height: number, colorScheme?: 'light' | 'dark', dir?: string}>} */
const LOOKS = {
  light: { width: 1100, height: 760 },
  dark: { width: 1100, height: 760, colorScheme: 'dark' },
  wide: { width: 1920, height: 1080 },
  360: { width: 360, height: 740 },
  'rtl-360': { width: 360, height: 740, colorScheme: 'dark', dir: 'rtl' },
};
const PHONE = { 320: { width: 320, height: 568 } };

/** Colours and sizes are what axe can find fault with: one look of each will do. */
const JUDGED = new Set(['light', 'dark', '320']);

/** One state in every look. */
async function pictures(visit, looks, state, prepare = async () => {}) {
  const { page } = visit;
  for (const [name, { width, height, colorScheme = 'light', dir = 'ltr' }] of Object.entries(looks)) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.evaluate((value) => document.querySelectorAll('html, vps-backup-app').forEach((element) => (element.dir = value)), dir);
    await prepare();
    await visit.draw(`${name}-${state}`);
    if (JUDGED.has(name)) await visit.accessible(`${name}-${state}`);
    assert.ok((await overflow(page)) <= 0, `${name}-${state}: nothing sticks out`);
  }
}

/** Overview, a backup on its way, complete ones, a dialog, resources, notifications. */
async function tour(visit, looks, { web, db }) {
  const page = await visit.panel(web);
  await pictures(visit, looks, 'overview');
  await visit.go('backups');
  await page.locator('vps-backup-panel').getByText(/^Creating [1-9]\d*\s?%$/).waitFor();
  await pictures(visit, looks, 'creating');
  await page.goto('about:blank');
  await visit.panel(db, { view: 'backups' });
  await visit.row('Nightly').waitFor();
  await pictures(visit, looks, 'available');
  await page.getByRole('button', { name: 'Restore: Nightly' }).click();
  await pictures(visit, looks, 'restore-dialog');
  await page.keyboard.press('Escape');
  await visit.go('resources');
  await pictures(visit, looks, 'resources');
  // It is placed when it is opened.
  await pictures(visit, looks, 'notifications', async () => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Notifications/ }).click();
  });
}

/** @type {import('./all.js').Test[]} */
export const people = [
  [
    'keyboard only: create, restore and delete; the focus stays in the dialog and comes back',
    {},
    async (visit, { web }) => {
      const { page } = visit;
      await visit.panel(web);
      await tabTo(page, 'Backups');
      await page.keyboard.press('Enter');
      await tabTo(page, 'Create Backup');
      await page.keyboard.press('Enter');
      await focusComesTo(page, 'INPUT name');
      const places = new Set();
      for (let presses = 0; presses < 8; presses++) {
        places.add(await focused(page));
        await page.keyboard.press('Tab');
      }
      assert.deepEqual([...places].filter((place) => !/^(INPUT name|BUTTON Cancel|BUTTON Create Backup|BODY[^]*)$/.test(place)), []);
      await page.keyboard.press('Escape');
      assert.equal(await focused(page), 'BUTTON Create Backup');
      await page.keyboard.press('Enter');
      await focusComesTo(page, 'INPUT name');
      await page.keyboard.type('typed');
      await page.keyboard.press('Enter');
      await visit.untilAvailable('typed');
      await focusComesTo(page, 'BUTTON Restore: typed'); // it came with the new row
      await page.keyboard.press('Enter');
      await focusComesTo(page, 'BUTTON Cancel'); // what destroys something is not one careless Enter away
      await page.keyboard.press('Enter');
      assert.equal(await focused(page), 'BUTTON Restore: typed');
      await tabTo(page, 'More: typed');
      await page.keyboard.press('Enter');
      await page.keyboard.press('End');
      await focusComesTo(page, 'BUTTON Delete');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await tabTo(page, 'BUTTON Delete');
      await page.keyboard.press('Enter');
      await page.getByText('No backups yet').waitFor();
      await until(async () => /^H2 Backups/.test(await focused(page)), 'the focus is at the heading');
      await tabTo(page, 'Create Backup');
    },
  ],
  [
    'a disabled button keeps its place in the tab order, so that its reason is found',
    { rate: '3M' },
    async (visit, { web }) => {
      const { page } = visit;
      await visit.panel(web, { view: 'backups' });
      await visit.create('running');
      await page.locator('vps-backup-panel').getByText(/^Creating [1-9]\d*\s?%$/).waitFor();
      await tabTo(page, 'Create Backup');
      await page.keyboard.press('Enter');
      assert.equal(await page.getByRole('dialog').count(), 0);
      const description = await page.locator('vps-backup-panel [part=create]').evaluate((button) => button.getRootNode().getElementById(button.getAttribute('aria-describedby')).textContent);
      assert.match(description, /A backup is being created/);
      await visit.row('running').getByRole('button', { name: 'Cancel' }).click();
      await page.locator('dialog [part=confirm]').click();
      await page.getByText('No backups yet').waitFor();
    },
  ],
  [
    'no progress for too long: a notice to contact support, with a link if the page has one',
    { rate: '1K' },
    async (visit, { web }) => {
      const { page } = visit;
      await visit.panel(web, { view: 'backups' });
      await page.locator('vps-backup-app').evaluate((app) => app.setAttribute('support-url', 'https://support.example/'));
      await visit.create('stuck');
      const notice = page.locator('[part=notice]:visible');
      await notice.waitFor();
      assert.match(await notice.textContent(), /No progressThere has been no progress for 1 second\. Please contact support\.Operation [0-9a-f-]{36}/);
      assert.equal(await notice.getByRole('link', { name: 'Contact support' }).getAttribute('href'), 'https://support.example/');
      await visit.toast('operation_stalled').waitFor();
      await visit.picture('stalled');
      await visit.row('stuck').getByRole('button', { name: 'Cancel' }).click();
      await page.locator('dialog [part=confirm]').click();
      await page.getByText('No backups yet').waitFor();
      await notice.waitFor({ state: 'hidden' });
    },
  ],
  [
    'reduced motion: nothing pulses, slides or turns',
    { rate: '6M', reducedMotion: 'reduce' },
    async (visit, { web }) => {
      const { page } = visit;
      await visit.panel(web, { view: 'backups' });
      await visit.create('calm');
      await page.locator('vps-backup-panel').getByText(/^Creating [1-9]\d*\s?%$/).waitFor();
      const moving = () =>
        page.evaluate(() => document.getAnimations().filter((one) => one.effect.getComputedTiming().duration > 50).map((one) => one.animationName ?? one.transitionProperty));
      assert.deepEqual(await moving(), []);
      await visit.untilAvailable('calm');
    },
  ],
  [
    'pictures: wide and narrow, light and dark, from right to left, a small phone',
    { rate: '300K' },
    async (visit, stage) => {
      const { web, db } = stage;
      const backup = await lab('backup', { vps: db, name: 'Nightly' });
      await lab('call', { method: 'backup.protect', params: { vps: db, backup, protected: true } });
      const { operation } = await lab('call', { method: 'backup.create', params: { vps: web, name: 'A backup with quite a long name, made before the update' } });
      const phone = await Visit.start({ viewport: PHONE[320], hasTouch: true, isMobile: true });
      await tour(phone, PHONE, stage);
      await phone.end();
      await tour(visit, LOOKS, stage);
      assert.equal((await lab('state', { vps: web })).operation?.id, operation.id, 'it was on its way all the time');
    },
  ],
];
