// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers, kept in measured.json: nothing here passes or fails by time, only by weight.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { keep, panelUrl, Visit } from './visit.js';

const LOADS = 5;
/** Over the wire, with headers. */
const WEIGHT_GOAL = 30 * 1024;
const RELOAD_GOAL = 5 * 1024;
const CONNECTIONS_GOAL = 4;

/** Runs in the page: what it has loaded so far, as it came over the wire; catalogues do not count. */
const weigh = () =>
  Object.fromEntries(
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter(({ name }) => name.startsWith(`${location.origin}/panel/`) && !name.includes('/locale/'))
      .map(({ name, transferSize }) => [new URL(name).pathname, transferSize]),
  );

const sum = (weights) => Object.values(weights).reduce((total, bytes) => total + bytes, 0);

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** @type {import('./all.js').Test[]} */
export const measure = [
  [
    'measured: page weight, first paint to live state, event on the socket to pixel',
    { rate: '6M' },
    async (visit, { web }) => {
      const token = await lab('token', { vps: [web] });
      const { page } = visit;
      await page.addInitScript(() => {
        const Native = WebSocket;
        window.delays = [];
        window.WebSocket = class extends Native {
          constructor(...values) {
            super(...values);
            this.addEventListener('message', ({ data }) => {
              if (!data.includes('"operation.progress"')) return;
              const came = performance.now();
              // The frame that shows it has been handed over when the task after its callbacks runs.
              setTimeout(() => requestAnimationFrame(() => setTimeout(() => window.delays.push(performance.now() - came))));
            });
          }
        };
      });
      const devtools = await visit.context.newCDPSession(page);
      await devtools.send('Network.enable');
      const connections = new Set();
      const places = new Map();
      devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => encodedDataLength > 0 && places.has(requestId) && connections.add(places.get(requestId)));
      devtools.on('Network.responseReceived', ({ requestId, response }) => response.url.startsWith('http') && !response.fromDiskCache && places.set(requestId, response.connectionId));
      const live = [];
      let weight = {};
      let used = 0;
      for (let load = 0; load < LOADS; load++) {
        await page.goto('about:blank');
        await page.goto(`${panelUrl}#vps=${web}&token=${token}`);
        await visit.live();
        const numbers = await page.evaluate(() => ({
          paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
          live: window.seen.statuses[0].at,
        }));
        live.push(numbers);
        if (load > 0) continue;
        weight = await page.evaluate(weigh);
        used = connections.size;
      }
      await page.reload();
      await visit.live();
      const reload = await page.evaluate(weigh);
      const other = await Visit.start();
      await other.page.goto(`${panelUrl}#vps=${web}&token=${token}&view=backups`);
      await other.page.getByText('No backups yet').waitFor();
      const backups = await other.page.evaluate(weigh);
      await other.end();
      await visit.go('backups');
      await visit.create('measured');
      await visit.untilAvailable('measured');
      await visit.go('resources');
      await page.getByRole('button', { name: /^Notifications/ }).click();
      await page.locator('[part=push]').waitFor({ state: 'attached' });
      const everything = { ...(await page.evaluate(weigh)), ...backups, ...weight };
      const delays = await page.evaluate(() => window.delays);
      assert.ok(delays.length > 5, `${delays}`);
      const measured = {
        page_weight_bytes: sum(weight),
        page_weight_at_backups_bytes: sum(backups),
        page_weight_goal_bytes: WEIGHT_GOAL,
        reload_bytes: sum(reload),
        connections_for_files: used,
        everything_bytes: sum(everything),
        first_paint_ms: median(live.map(({ paint }) => paint)),
        live_ms: median(live.map(({ live: at }) => at)),
        live_first_visit_ms: live[0].live,
        first_paint_to_live_ms: median(live.map(({ live: at, paint }) => at - paint)),
        event_to_pixel_ms: { median: median(delays), worst: Math.max(...delays), events: delays.length },
        files: everything,
      };
      keep('measured', measured);
      console.log(`# ${JSON.stringify({ ...measured, files: undefined })}`);
      for (const [name, its] of Object.entries({ overview: weight, backups })) {
        assert.ok(Object.keys(its).length >= 3 && Object.values(its).every((bytes) => bytes > 0), `each file was weighed: ${name}`);
        // Of what Backups needs besides, the list is the most.
        assert.ok(sum(its) <= WEIGHT_GOAL + (name === 'backups' ? 10 * 1024 : 0), `${sum(its)} bytes until it is live: ${name}`);
      }
      assert.ok(sum(reload) <= RELOAD_GOAL, `${sum(reload)} bytes for a reload: ${JSON.stringify(reload)}`);
      // One more is the websocket's.
      assert.ok(used > 0 && used < CONNECTIONS_GOAL, `${used} connections`);
    },
  ],
];
