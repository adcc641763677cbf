// SPDX-License-Identifier: LGPL-2.1-or-later
// An operator's own page on another origin, with the three lines of the README, and its own strict policy.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';

import { lab } from './lab.js';
import { panelUrl, until } from './visit.js';

const PORT = 9080;

/** @param {(request: import('node:http').IncomingMessage) => Promise<string | null>} token answers /token */
export async function openPage(body, token) {
  const service = new URL(panelUrl).origin;
  const policy = `default-src 'self'; script-src 'self' ${service}; connect-src 'self' ${service} ${service.replace('http', 'ws')}`;
  const server = createServer(async (request, response) => {
    if (request.url === '/token') {
      const value = await token(request);
      response.writeHead(value === null ? 403 : 200, { 'Content-Type': 'text/plain' }).end(value ?? '');
    } else if (request.url.startsWith('/backup-worker.js')) {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(`import '${panelUrl}sw.js';`);
    } else if (request.url === '/') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy }).end(
        `<!doctype html><html lang="en"><title>Operator</title><link rel="icon" href="${'/icon'}">
         <script type="module" src="${panelUrl}vps-backup.js"></script><main><h1>My VPS</h1>${body}</main>`,
      );
    } else response.writeHead(204).end();
  });
  await new Promise((resolve) => server.listen(PORT, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${PORT}/`, close: () => (server.closeAllConnections(), server.close()) };
}

/** @type {import('./all.js').Test[]} */
export const embed = [
  [
    'three lines in a foreign page under its own policy; the token is renewed before it ends, and nothing is noticed',
    {},
    async (visit, { web }) => {
      const lifetimes = [63, 600]; // the service asks for the next one 60 s before the end
      const asked = [];
      const page = await openPage(
        `<vps-backup-app endpoint="${panelUrl.replace('panel/', '')}" vps="${web}" token-url="/token"></vps-backup-app>`,
        async ({ method }) => {
          asked.push(method);
          return lab('token', { vps: [web], ttl_s: lifetimes.shift() ?? 600 });
        },
      );
      try {
        const answers = [];
        visit.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => answers.push(JSON.parse(payload))));
        await visit.page.goto(page.url);
        await visit.live();
        const { result: { expires_at: ends } } = await until(() => answers.find((answer) => answer.result?.expires_at), 'the service says when the token ends');
        await visit.accessible('embedded');
        const renewed = await until(() => answers.find((answer) => answer.result?.expires_at > ends), 'the connection has the next token');
        assert.ok(Date.parse(renewed.result.expires_at) - Date.parse(ends) > 300000);
        if (process.env.VB_LONG) await visit.page.waitForTimeout(65000); // past the end of the first one
        assert.deepEqual(asked, ['POST', 'POST']);
        assert.deepEqual(await visit.page.evaluate(() => window.seen.connections), ['connecting', 'open']);
        assert.equal(await visit.status(), 'Running');
        assert.deepEqual([...visit.hosts].sort(), [new URL(panelUrl).host, `127.0.0.1:${PORT}`].sort());
      } finally {
        page.close();
      }
    },
  ],
  [
    'a token that ends without a successor: the page says so and comes back with a new one',
    {},
    async (visit, { web }) => {
      const page = await openPage('<vps-backup-app></vps-backup-app>', async () => null);
      try {
        await visit.page.goto(page.url);
        const app = visit.page.locator('vps-backup-app');
        const short = await lab('token', { vps: [web], ttl_s: 4 });
        await app.evaluate((element, [endpoint, vps, token]) => Object.entries({ endpoint, vps, token }).forEach(([name, value]) => element.setAttribute(name, value)), [
          panelUrl.replace('panel/', ''),
          web,
          short,
        ]);
        await visit.live();
        visit.outage = true;
        await visit.page.getByText('Your session has ended. Open this page again from your hosting panel.').waitFor();
        assert.equal(await visit.page.locator('[part=power-reason]').textContent(), 'Your session has ended.');
        await app.evaluate((element, token) => element.setAttribute('token', token), await lab('token', { vps: [web] }));
        await visit.page.getByText('Your session has ended.').first().waitFor({ state: 'hidden' });
        await visit.go('backups');
        await visit.untilConverged(web);
      } finally {
        page.close();
      }
    },
  ],
  [
    'single elements share one connection, tell the page what happens, and take its theme',
    {},
    async (visit, { web }) => {
      const where = `endpoint="${panelUrl.replace('panel/', '')}" vps="${web}" token-url="/token"`;
      const page = await openPage(
        `<vps-backup-notifications ${where}></vps-backup-notifications><vps-backup-card ${where} href="#there"></vps-backup-card>
         <vps-backup-overview ${where}></vps-backup-overview><vps-backup-panel ${where} theme="dark"></vps-backup-panel>`,
        () => lab('token', { vps: [web] }),
      );
      try {
        let sockets = 0;
        visit.page.on('websocket', () => sockets++);
        await visit.page.goto(page.url);
        await visit.live();
        await visit.page.getByText('No backups yet').waitFor();
        assert.equal(sockets, 1);
        await visit.page.locator('vps-backup-panel').evaluate((panel) => (panel.style.background = '#0f1217'));
        const scheme = (element) => visit.page.locator(element).evaluate((node) => getComputedStyle(node.shadowRoot.querySelector('h2')).color);
        assert.equal(await scheme('vps-backup-panel'), 'rgb(233, 236, 242)');
        assert.equal(await scheme('vps-backup-overview'), 'rgb(22, 26, 34)', 'a page without a dark side gets a light element');
        await visit.page.locator('vps-backup-card a').first().click();
        assert.match(visit.page.url(), /#there$/);
        const statuses = await visit.page.evaluate(() => window.seen.statuses.map(({ status }) => status));
        assert.deepEqual(statuses, ['running']);
        // Moving an element in the page must not cost the connection.
        await visit.page.evaluate(() => document.querySelector('main').append(document.querySelector('vps-backup-panel')));
        await visit.page.getByText('No backups yet').waitFor();
        assert.equal(sockets, 1);
        await visit.accessible('single elements');
      } finally {
        page.close();
      }
    },
  ],
];
