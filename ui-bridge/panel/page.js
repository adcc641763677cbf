// SPDX-License-Identifier: LGPL-2.1-or-later
// The page at /panel/: takes VPS and token out of the address, and keeps the view in it.

/** @import { App } from './elements/app.js' */

import { direction, onLanguage, words } from './i18n.js';

const KEPT = 'vps-backup-session';
const app = /** @type {App} */ (document.querySelector('vps-backup-app'));

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
    history.replaceState(null, '', location.pathname + location.search);
  } else if (!session.token) session = remembered();
  if (session.lang) app.setAttribute('lang', session.lang);
  app.setAttribute('vps', session.vps ?? '*');
  app.setAttribute('token', session.token ?? '');
}

function readAddress() {
  takeSession();
  const [, view = 'overview', chosen = ''] = /^#?([a-z]*)\/?(.*)$/.exec(location.hash) ?? [];
  app.view = view;
  if (chosen) app.current = chosen;
}

function speak() {
  Object.assign(document.documentElement, { lang: words(), dir: direction() });
}

// The elements ask for the language when they are defined.
takeSession();
await import('./vps-backup.js');
onLanguage(speak);
speak();
app.addEventListener('vps-backup-view', (event) => {
  const { vps, view } = /** @type {CustomEvent} */ (event).detail;
  const address = app.getAttribute('vps') === '*' ? `#${view}/${vps}` : `#${view}`;
  if (location.hash !== address) history.pushState(null, '', address);
});
addEventListener('hashchange', readAddress);
addEventListener('popstate', readAddress);
app.addEventListener('vps-backup-status', (event) => {
  const { vps } = /** @type {CustomEvent} */ (event).detail;
  const name = app.store?.state.vps.get(vps)?.name;
  if (name) document.title = `${name} – ${document.title.split(' – ').at(-1)}`;
});
readAddress();
