// SPDX-License-Identifier: LGPL-2.1-or-later
// Vue 3: npm install && npm run build, then PAGES=vue node ../backend.mjs
// In templates: compilerOptions.isCustomElement = (tag) => tag.startsWith('vps-backup-'), then <vps-backup-app :getToken="…" @vps-backup-status="…">
import { createApp, h, ref } from 'vue';

const server = await (await fetch('/server.json')).json();
// Before the first element is rendered: functions can be handed over only then.
await import(`${server.endpoint}panel/vps-backup.js`);

async function getToken() {
  const answer = await fetch(`/backup-token?vps=${server.vps}`, { method: 'POST' });
  return answer.ok ? (await answer.json()).token : null;
}

createApp({
  setup() {
    const status = ref('–');
    return () => [
      h('h1', 'My server'),
      h('p', ['Status: ', h('output', status.value)]),
      h('vps-backup-app', { ...server, getToken, onVpsBackupStatus: ({ detail }) => (status.value = detail.status) }),
    ];
  },
}).mount('#app');
