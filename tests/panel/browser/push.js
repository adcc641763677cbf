// SPDX-License-Identifier: LGPL-2.1-or-later
// Notifications with the page closed. Only the push service of a browser's vendor is missing: its one call is answered here.

import assert from 'node:assert/strict';

import { openPage } from './embed.js';
import { lab } from './lab.js';
import { panelUrl, until } from './visit.js';

const ENDPOINT = 'https://push.example/one';
const PERMITTED = { permissions: ['notifications'] };

/** Runs in the page: what a vendor's push service answers, and what goes to the service. */
function pretendPush(endpoint) {
  const keys = { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' };
  const KEPT = 'pretended-subscription';
  const kept = () => JSON.parse(localStorage.getItem(KEPT) ?? 'null');
  const bytes = (key) => Uint8Array.from(key).buffer;
  const subscription = () => ({
    endpoint,
    options: { applicationServerKey: bytes(kept().key) },
    toJSON: () => ({ endpoint, expirationTime: null, keys }),
    unsubscribe: async () => (localStorage.removeItem(KEPT), true),
  });
  PushManager.prototype.getSubscription = async () => kept() && subscription();
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly) throw new DOMException('silent', 'NotAllowedError');
    localStorage.setItem(KEPT, JSON.stringify({ key: [...applicationServerKey] }));
    return subscription();
  };
  window.asked = 0;
  const ask = Notification.requestPermission.bind(Notification);
  Notification.requestPermission = () => (window.asked++, ask());
  window.told = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (data.includes('"push.')) window.told.push(JSON.parse(data));
    send.call(this, data);
  };
}

/** A service without push, whatever the real one can do. */
function without() {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    send.call(this, data.replace('"push.key"', '"no.such"'));
  };
}

const told = (page, method) => page.evaluate((wanted) => window.told.filter((one) => one.method === wanted).map(({ params }) => params), method);
const bell = (page) => page.getByRole('button', { name: /^Notifications/ });

/** @param {import('./visit.js').Visit} visit */
async function worker(visit) {
  return visit.context.serviceWorkers()[0] ?? (await visit.context.waitForEvent('serviceworker'));
}

/** Hands a message to the service worker as a push service would. */
async function deliver(visit, message, scope = panelUrl) {
  const session = await visit.context.newCDPSession(visit.page);
  const registrations = new Map();
  session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: all }) => {
    for (const one of all) registrations.set(one.scopeURL, one.registrationId);
  });
  await session.send('ServiceWorker.enable');
  const registrationId = await until(() => registrations.get(scope), 'the worker is registered');
  await session.send('ServiceWorker.deliverPushMessage', { origin: new URL(scope).origin, registrationId, data: JSON.stringify(message) });
  await session.detach();
}

const shown = (page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return (await registration.getNotifications()).map(({ title, body, lang }) => ({ title, body, lang }));
  });

/** Presses the notification that is shown; the worker's `opened` is then the address of the window that it opens. */
const press = async (visit) =>
  (await worker(visit)).evaluate(async () => {
    const [notification] = await self.registration.getNotifications();
    self.opened = new Promise((resolve) => (self.clients.openWindow = async (url) => resolve(url)));
    self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
  });

/** @param {string} vps @param {object} values */
const outcome = (vps, values) => ({
  id: 7, type: 'backup_failed', vps, vps_name: 'web-01', backup: 'b', backup_name: 'Nightly', operation: 'o', reason: 'pool_unavailable',
  created_at: new Date().toISOString(), read: false, locale: 'en-US', ...values,
});

/** @type {import('./all.js').Test[]} */
export const push = [
  [
    'push: asked for at a click, told to the service, shown by the worker in the reader’s language, leads to the VPS, ends without a trace',
    PERMITTED,
    async (visit, { web }) => {
      const { page } = visit;
      await page.addInitScript(pretendPush, ENDPOINT);
      await visit.panel(web);
      assert.equal(await page.evaluate(() => window.asked), 0, 'nobody is asked at load');
      await bell(page).click();
      await page.getByText('Be notified even when this page is closed.').waitFor();
      await visit.picture('push-off');
      await page.locator('[part=push-switch]').click();
      await page.getByText('You are notified even when this page is closed.').waitFor();
      assert.equal(await page.evaluate(() => window.asked), 1);
      const [{ subscription, vps, locale }] = await told(page, 'push.subscribe');
      assert.deepEqual([subscription.endpoint, vps, locale], [ENDPOINT, web, 'en-US']);
      await visit.accessible('push-on');

      await page.reload();
      await visit.live();
      await until(async () => (await told(page, 'push.subscribe')).length === 1, 'a visit confirms it');
      const message = outcome(web);
      // A browser that cannot start the worker in time drops the message; a second one with the same tag changes nothing.
      await until(async () => {
        await deliver(visit, message);
        return until(async () => (await shown(page)).length === 1, 'it is shown', 10000).catch(() => false);
      }, 'one of the messages is shown');
      assert.deepEqual(await shown(page), [
        { title: 'web-01: Backup Failed', body: '“Nightly”: The backup storage cannot be reached right now. Try again later; if it lasts, contact support.', lang: 'en' },
      ]);
      await deliver(visit, { ...message, id: 8, type: 'backup_completed', reason: null, locale: 'de-AT' });
      await until(async () => (await shown(page))[0]?.title === 'web-01: Backup abgeschlossen', 'the newer one takes its place, in its own language');
      assert.deepEqual(await shown(page), [{ title: 'web-01: Backup abgeschlossen', body: '„Nightly“ ist fertig.', lang: 'de' }]);

      await deliver(visit, { id: 9, type: 'restore_failed', vps: web, locale: 'fr' });
      const brief = () => shown(page).then((all) => all.find(({ lang }) => lang === 'fr'));
      await until(brief, 'a short one is shown beside it');
      assert.deepEqual(await brief(), { title: 'Échec de la restauration', body: '', lang: 'fr' });
      assert.equal((await shown(page)).length, 2);
      await page.evaluate(async () => (await (await navigator.serviceWorker.getRegistration()).getNotifications()).find(({ lang }) => lang === 'fr').close());
      await until(async () => (await shown(page)).length === 1, 'it is put away');

      await press(visit);
      await page.getByRole('heading', { name: /^Backups/ }).waitFor();
      assert.equal((await shown(page)).length, 0, 'a pressed notification is gone');

      await page.goto('about:blank');
      await deliver(visit, { ...message, id: 10, backup_name: 'While closed', type: 'backup_completed', reason: null });
      const closed = () => worker(visit).then((its) => its.evaluate(async () => (await self.registration.getNotifications()).map(({ body }) => body)));
      await until(async () => (await closed()).includes('“While closed” is ready.'), 'it is shown with the page closed');
      await press(visit);
      assert.equal(await (await worker(visit)).evaluate(() => self.opened), `${panelUrl}#backups/${web}`);
      await visit.panel(web);

      await bell(page).click();
      await page.getByRole('button', { name: 'Turn off' }).click();
      await page.getByText('Be notified even when this page is closed.').waitFor();
      assert.deepEqual(await told(page, 'push.unsubscribe'), [{ endpoint: ENDPOINT }]);
      assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
    },
  ],
  [
    'push: a page elsewhere brings a worker of one line, and says where its notifications lead',
    PERMITTED,
    async (visit, { web }) => {
      const { page } = visit;
      const endpoint = panelUrl.replace('panel/', '');
      const own = await openPage(
        `<vps-backup-app endpoint="${endpoint}" vps="${web}" token-url="/token" service-worker="/backup-worker.js"
                         push-url="/servers/{vps}?tab=backups"></vps-backup-app>`,
        () => lab('token', { vps: [web] }),
      );
      try {
        await page.addInitScript(pretendPush, ENDPOINT);
        await page.goto(own.url);
        await visit.live();
        await bell(page).click();
        await page.locator('[part=push-switch]').click();
        await page.getByText('You are notified even when this page is closed.').waitFor();
        await deliver(visit, outcome(web, { type: 'restore_completed', reason: null }), own.url);
        await until(async () => (await shown(page))[0]?.body === 'The VPS is back at “Nightly”.', 'it is shown');
        await press(visit);
        assert.equal(await (await worker(visit)).evaluate(() => self.opened), `${own.url}servers/${web}?tab=backups`);
      } finally {
        own.close();
      }
    },
  ],
  [
    'push: without the service’s key, or where the reader has refused, nothing is offered',
    {},
    async (visit, { web }) => {
      const { page } = visit;
      await page.addInitScript(without);
      await visit.panel(web);
      await bell(page).click();
      await page.locator('[part=push]').waitFor({ state: 'attached' });
      assert.equal(await page.locator('[part=push]').isVisible(), false);
      assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
    },
  ],
];
