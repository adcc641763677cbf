// SPDX-License-Identifier: LGPL-2.1-or-later
// The panel's elements in Cockpit, for all VPSs of the host, and what doctor finds.

import { socketOf } from './socket.js';
import { Transport } from './panel/transport.js';

const PROBLEM = document.getElementById('problem');
const APP = document.querySelector('vps-backup-app');
const DOCTOR = document.getElementById('doctor');

Transport.Socket = socketOf((problem) => {
  PROBLEM.textContent = problem;
  PROBLEM.hidden = !problem;
});

/** Cockpit's style is a choice of its own, not the browser's. */
function follow() {
  const style = localStorage.getItem('shell:style') || 'auto';
  const dark = style === 'dark' || (style === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.classList.toggle('pf-theme-dark', dark);
  APP.setAttribute('theme', dark ? 'dark' : 'light');
}

addEventListener('storage', follow);
addEventListener('cockpit-style', (event) => {
  localStorage.setItem('shell:style', event.detail.style);
  follow();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', follow);
follow();

DOCTOR.addEventListener('toggle', async () => {
  if (!DOCTOR.open) return;
  const output = DOCTOR.querySelector('pre');
  output.textContent = '…';
  // It ends with 1 where there is a problem: what it has printed is the answer all the same.
  let found = '';
  const problem = await cockpit
    .spawn(['vps-backupctl', 'doctor'], { superuser: 'require', err: 'message' })
    .stream((data) => (found += data))
    .then(
      () => '',
      (error) => error.message || error.problem,
    );
  output.textContent = found || problem;
});

// The page at /panel/ keeps the view in its address; Cockpit does that with its own.
APP.addEventListener('vps-backup-view', ({ detail: { vps, view } }) => cockpit.location.go([view, vps].filter(Boolean)));
function show() {
  const [view = '', vps = ''] = cockpit.location.path;
  APP.setAttribute('view', view);
  APP.current = vps;
}
cockpit.addEventListener('locationchanged', show);

// Whatever token: the kernel says who is at the other end.
APP.getToken = () => Promise.resolve('cockpit');
await import('./panel/vps-backup.js');
APP.getToken = () => Promise.resolve('cockpit');
show();
cockpit.transport.wait(() => {});
