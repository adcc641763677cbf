// SPDX-License-Identifier: LGPL-2.1-or-later
// The page at /panel/: takes VPS and token out of the address, and keeps the view in it.

/** @import { App } from './elements/app.js' */

import './vps-backup.js';

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

function readAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const token = parameters.get('token');
  if (token !== null) {
    const session = { token, vps: parameters.get('vps') ?? '*' };
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(session));
    } catch {
      // Without storage a reload needs the link again.
    }
    history.replaceState(null, '', location.pathname + location.search);
  }
  const { token: kept = '', vps = '*' } = remembered();
  const [, view = 'overview', chosen = ''] = /^#?([a-z]*)\/?(.*)$/.exec(location.hash) ?? [];
  app.setAttribute('vps', vps);
  app.setAttribute('token', token ?? kept);
  app.view = view;
  if (chosen) app.current = chosen;
}

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
