// SPDX-License-Identifier: LGPL-2.1-or-later
// The page at /panel/: takes VPS and token out of the address, and keeps the view in it.

/** @import { App } from './elements/app.js' */

import { percent } from './format.js';
import { direction, onLanguage, words } from './i18n.js';

/** What is shown first is asked for at once, not when somebody has found out. @type {Record<string, () => Promise<unknown>>} */
const FIRST = {
  backups: () => import('./elements/panel-view.js'),
  resources: () => import('./elements/resources-view.js'),
};
const TITLE = document.title;
const ICON = /** @type {HTMLLinkElement} */ (document.querySelector('link[rel=icon]'));
const KEPT = 'vps-backup-session';
const app = /** @type {App} */ (/** @type {unknown} */ (document.querySelector('vps-backup-app')));

/** Only this tab remembers, and only until it is closed: that is what makes a reload work. */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
  } catch {
    return {};
  }
}

/** @type {{token?: string, vps?: string, lang?: string | null}} */
let session = {};

function takeSession() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const token = parameters.get('token');
  if (token !== null) {
    session = { token, vps: parameters.get('vps') ?? '*', lang: parameters.get('lang') };
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(session));
    } catch {
      // Without storage a reload needs the link again.
    }
    const view = parameters.get('view');
    history.replaceState(null, '', location.pathname + location.search + (view ? `#${view}` : ''));
  } else if (!session.token) session = remembered();
  if (session.lang) app.setAttribute('lang', session.lang);
  app.setAttribute('vps', session.vps ?? '*');
  app.setAttribute('token', session.token ?? '');
}

/** @returns {string} the VPS that was chosen, if any */
function readAddress() {
  takeSession();
  const [, view = '', chosen = ''] = /^#?([a-z]*)\/?(.*)$/.exec(location.hash) ?? [];
  app.setAttribute('view', view);
  return chosen;
}

let chosen = '';
let loaded = false;

function follow() {
  chosen = readAddress();
  // Before that it is no element of ours yet.
  if (loaded) app.current = chosen;
  entitle();
}

/** What runs can be followed from another tab: in the title, and in the icon by quarters. */
function entitle() {
  const { name, operation } = app.store?.state.vps.get(app.current) ?? {};
  const progress = operation ? `${percent(operation.progress)} · ` : '';
  const title = progress + [name, TITLE].filter(Boolean).join(' – ');
  if (document.title !== title) document.title = title;
  const quarter = Math.min(3, Math.floor((operation?.progress ?? 0) / 25));
  const href = operation ? `icons/${operation.kind === 'create' ? 'creating' : 'restoring'}-${quarter}.svg` : 'icon.svg';
  if (ICON.getAttribute('href') !== href) ICON.setAttribute('href', href);
}

let followed = /** @type {unknown} */ (null);

/** The store tells of progress; it is there when the element is connected. */
function listen() {
  if (!app.store || followed === app.store) return;
  followed = app.store;
  app.store.subscribe(entitle);
}

function speak() {
  Object.assign(document.documentElement, { lang: words(), dir: direction() });
}

/** Black or white, whichever is easier to read there. @param {string} colour #rrggbb */
function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? '#101014' : '#ffffff';
}

/** What the service's operator has set for this page: his colour, and where slots are ordered. */
function configure() {
  const { accent, slotsRequest: orders } = app.dataset;
  if (accent) {
    const [light, dark = light] = accent.split(',').map((colour) => `#${colour}`);
    app.style.setProperty('--vps-backup-accent', `light-dark(${light}, ${dark})`);
    app.style.setProperty('--vps-backup-on-accent', `light-dark(${inkOn(light)}, ${inkOn(dark)})`);
  }
  if (!orders) return;
  app.setAttribute('slots-request', '');
  app.addEventListener('vps-backup-slots-request', (event) => {
    const { vps, total } = /** @type {CustomEvent} */ (event).detail;
    event.preventDefault();
    location.assign(orders.replaceAll('{vps}', encodeURIComponent(vps)).replaceAll('{total}', String(total)));
  });
}

configure();
onLanguage(speak);
app.addEventListener('vps-backup-view', (event) => {
  const { vps, view } = /** @type {CustomEvent} */ (event).detail;
  const address = app.getAttribute('vps') === '*' ? `#${view}/${vps}` : `#${view}`;
  if (location.hash !== address) history.pushState(null, '', address);
  queueMicrotask(entitle);
});
app.addEventListener('vps-backup-status', entitle);
// Once a minute at most: what is missing may be missing for good.
app.addEventListener('vps-backup-outdated', () => {
  if (performance.now() > 60000) location.reload();
});
app.addEventListener('vps-backup-connection', listen);

addEventListener('hashchange', follow);
addEventListener('popstate', follow);

// The elements ask for language and view when they are defined.
follow();
const first = FIRST[app.getAttribute('view') ?? ''] ?? (() => Promise.all([import('./elements/summary-view.js'), import('./elements/activity-view.js')]));
await Promise.all([import('./vps-backup.js'), first()]);
loaded = true;
app.current = chosen;
