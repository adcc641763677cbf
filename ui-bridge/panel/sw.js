// SPDX-License-Identifier: LGPL-2.1-or-later
// The service worker: says in the reader's language what has happened while no page is open, and leads there.

import { direction, setLanguage, words } from './i18n.js';
import { notificationWords } from './outcomes.js';

const worker = /** @type {any} */ (globalThis);

/** Where a VPS is shown: what the page has asked for, or the panel's own page. @param {string} vps */
const address = (vps) =>
  new URL((new URL(worker.location.href).searchParams.get('open') ?? './#backups/{vps}').replaceAll('{vps}', vps), worker.registration.scope).href;

/** @param {string} url */
const withoutHash = (url) => url.split('#')[0];

/** @param {any} event */
async function show(event) {
  const notification = event.data.json();
  await setLanguage(notification.locale);
  // Where a push service takes short messages only, it comes without names and times.
  const { vps, vps_name: name, operation, created_at: created } = notification;
  const { title, body } = notificationWords(notification);
  await worker.registration.showNotification(name ? `${name}: ${title}` : title, {
    body: name ? body : '',
    lang: words(),
    dir: direction(),
    icon: new URL('icon.svg', import.meta.url).href,
    // What comes later of an operation takes the place of what was said of it before.
    tag: operation ?? vps,
    renotify: true,
    timestamp: created ? Date.parse(created) : Date.now(),
    data: { vps },
  });
}

/** @param {string} vps */
async function open(vps) {
  const url = address(vps);
  const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find((/** @type {{url: string}} */ one) => withoutHash(one.url) === withoutHash(url));
  if (!page) return worker.clients.openWindow(url);
  page.postMessage({ type: 'vps-backup-open', vps });
  return page.focus();
}

worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('push', (/** @type {any} */ event) => event.waitUntil(show(event)));
worker.addEventListener('notificationclick', (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.vps));
});
