// SPDX-License-Identifier: LGPL-2.1-or-later
// A plain page. Where the addresses are known beforehand, the three lines of the README do the same.

const { endpoint, vps } = await (await fetch('/server.json')).json();
await import(`${endpoint}panel/vps-backup.js`);

const app = document.querySelector('vps-backup-app');
app.addEventListener('vps-backup-status', ({ detail }) => (document.querySelector('output').value = detail.status));
Object.assign(app, { endpoint, vps, tokenUrl: `/backup-token?vps=${vps}` });
