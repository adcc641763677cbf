// SPDX-License-Identifier: LGPL-2.1-or-later
// React 19: npm install && npm run build, then PAGES=react node ../backend.mjs
import { useCallback, useState } from 'react';
import { createRoot } from 'react-dom/client';

function Server({ endpoint, vps }) {
  const [status, setStatus] = useState('–');
  // The same function each time: another one is another session.
  const getToken = useCallback(async () => {
    const answer = await fetch(`/backup-token?vps=${vps}`, { method: 'POST' });
    return answer.ok ? (await answer.json()).token : null;
  }, [vps]);
  return (
    <main>
      <h1>My server</h1>
      <p>
        Status: <output>{status}</output>
      </p>
      <vps-backup-app endpoint={endpoint} vps={vps} getToken={getToken} onvps-backup-status={({ detail }) => setStatus(detail.status)} />
    </main>
  );
}

const server = await (await fetch('/server.json')).json();
// Before the first element is rendered: functions can be handed over only then.
await import(`${server.endpoint}panel/vps-backup.js`);
createRoot(document.getElementById('root')).render(<Server {...server} />);
