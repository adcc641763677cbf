// SPDX-License-Identifier: LGPL-2.1-or-later
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import { ConnectionLost, RpcError, Transport, endpointUrl } from '../../../ui-bridge/panel/transport.js';
import { FakeSocket, settle } from './fake-socket.js';

const PANEL = 'https://node1.example/backups/';

let states;
let events;
let tokens;
let reachable;

function open() {
  const transport = new Transport({
    url: endpointUrl(PANEL),
    getToken: async () => {
      const token = tokens.length > 1 ? tokens.shift() : tokens[0];
      if (token instanceof Error) throw token;
      return token;
    },
    onState: (state) => states.push(state),
    onEvent: (method, params) => events.push([method, params]),
  });
  transport.open();
  return transport;
}

async function connected() {
  const transport = open();
  await settle();
  FakeSocket.last.accept();
  return transport;
}

/** Passes time; the promises that it sets off have run afterwards. */
async function pass(ms) {
  mock.timers.tick(ms);
  await settle();
}

beforeEach(() => {
  FakeSocket.install();
  mock.timers.reset();
  mock.timers.enable(process.version.startsWith('v18.') ? ['setTimeout'] : { apis: ['setTimeout'] });
  mock.restoreAll();
  states = [];
  events = [];
  tokens = ['T1'];
  reachable = false;
  globalThis.fetch = async () => {
    if (!reachable) throw new TypeError('refused');
    return { ok: true };
  };
});

test('offers the protocol and the token as subprotocols, below the path of the endpoint', async () => {
  await connected();
  assert.equal(FakeSocket.last.url, 'wss://node1.example/backups/v1/ws');
  assert.deepEqual(FakeSocket.last.protocols, ['vps-backup.v1', 'bearer.T1']);
  assert.deepEqual(states, ['connecting', 'open']);
});

test('an endpoint without a slash at its end means the same', () => {
  assert.equal(String(endpointUrl('https://a.example/x')), 'https://a.example/x/');
  assert.equal(String(endpointUrl('https://a.example')), 'https://a.example/');
});

test('answers find their questions in any order; refusals carry the reason', async () => {
  const transport = await connected();
  const first = transport.request('vps.get', { vps: 'a' });
  const second = transport.request('vps.list');
  const refused = transport.request('backup.create', { vps: 'a' });
  FakeSocket.last.refuse('backup.create', { code: -32000, message: 'Full.', data: { reason: 'slots_full' } });
  FakeSocket.last.answer('vps.list', { vps: [] });
  FakeSocket.last.answer('vps.get', { vps: 'a' });
  assert.deepEqual(await first, { vps: 'a' });
  assert.deepEqual(await second, { vps: [] });
  await assert.rejects(refused, (error) => error instanceof RpcError && error.reason === 'slots_full' && error.message === 'Full.');
});

test('a lost connection fails what is under way and comes back with growing pauses', async () => {
  const transport = await connected();
  const request = transport.request('vps.list');
  FakeSocket.last.end(1006);
  await assert.rejects(request, ConnectionLost);
  await settle();
  assert.equal(transport.state, 'waiting');
  const pauses = [];
  for (let tries = 0; tries < 9; tries++) {
    const start = FakeSocket.all.length;
    let waited = 0;
    while (FakeSocket.all.length === start) {
      await pass(100);
      waited += 100;
    }
    pauses.push(waited);
    FakeSocket.last.end(1006);
    await settle();
  }
  assert.ok(pauses[0] <= 500, `${pauses}`);
  assert.ok(pauses.at(-1) > 15000 && pauses.at(-1) <= 30000, `${pauses}`);
  for (const [index, pause] of pauses.entries()) assert.ok(pause <= Math.min(30000, 500 * 2 ** index) + 100, `${pauses}`);
});

test('requests without a connection fail at once', async () => {
  const transport = open();
  await assert.rejects(transport.request('vps.list'), ConnectionLost);
});

test('a silent connection is asked for a sign of life and given up without one', async () => {
  const transport = await connected();
  await pass(20000);
  FakeSocket.last.answer('session.info', {});
  await pass(20000);
  assert.ok(FakeSocket.last.find('session.info'));
  const silent = FakeSocket.last;
  await pass(8000);
  assert.equal(transport.state, 'waiting');
  assert.ok(silent.closed);
  await pass(500);
  assert.notEqual(FakeSocket.last, silent);
});

test('after a wake-up a dead connection is found out without waiting for silence', async () => {
  const transport = await connected();
  transport.check();
  assert.ok(FakeSocket.last.find('session.info'));
  await pass(8000);
  assert.equal(transport.state, 'waiting');
  transport.check();
  await settle();
  assert.equal(transport.state, 'connecting');
});

test('session.expiring fetches the next token and renews with it', async () => {
  tokens = ['T1', 'T2'];
  const transport = await connected();
  FakeSocket.last.event('session.expiring', { expires_at: '2030-01-01T00:00:00Z' });
  await settle();
  assert.deepEqual(FakeSocket.last.answer('session.renew', {}).params, { token: 'T2' });
  await settle();
  FakeSocket.last.end(1006);
  await pass(500);
  assert.deepEqual(FakeSocket.last.protocols, ['vps-backup.v1', 'bearer.T2']);
  assert.equal(transport.state, 'connecting');
});

test('a renewal that fails is tried again until the server closes', async () => {
  tokens = ['T1', new Error('down'), 'T2'];
  await connected();
  FakeSocket.last.event('session.expiring', {});
  await settle();
  assert.equal(FakeSocket.last.find('session.renew'), undefined);
  await pass(10000);
  assert.ok(FakeSocket.last.find('session.renew'));
});

test('4401 with a fresh token at hand goes on at once', async () => {
  tokens = ['T1', 'T2'];
  await connected();
  FakeSocket.last.end(4401);
  await settle();
  assert.deepEqual(FakeSocket.last.protocols, ['vps-backup.v1', 'bearer.T2']);
});

test('4401 without another token ends the session, and a new token revives it', async () => {
  const transport = await connected();
  FakeSocket.last.end(4401);
  await settle();
  assert.equal(transport.state, 'ended');
  const before = FakeSocket.all.length;
  await pass(120000);
  assert.equal(FakeSocket.all.length, before);
  transport.setToken('T9');
  await settle();
  assert.deepEqual(FakeSocket.last.protocols, ['vps-backup.v1', 'bearer.T9']);
});

test('a refused upgrade while the server is there means the token; a dead server does not', async () => {
  const transport = open();
  await settle();
  FakeSocket.last.end(1006);
  await settle();
  await pass(500);
  assert.equal(transport.state, 'connecting', 'dead: goes on trying');
  reachable = true;
  for (let refusals = 1; refusals < 4; refusals++) {
    FakeSocket.last.end(1006);
    await settle();
    await pass(30000);
    assert.equal(transport.state, 'connecting', 'a server that is just starting refuses as well');
  }
  FakeSocket.last.end(1006);
  await settle();
  await pass(30000);
  assert.equal(transport.state, 'ended');
});

test('flooding (4429) waits long before it comes back', async () => {
  const transport = await connected();
  const flooded = FakeSocket.last;
  flooded.end(4429);
  await settle();
  await pass(7900);
  assert.equal(FakeSocket.last, flooded);
  await pass(8200);
  assert.notEqual(FakeSocket.last, flooded);
  assert.equal(transport.state, 'connecting');
});

test('too slow (4408) and shutting down (4503) come back soon', async () => {
  for (const code of [4408, 4503]) {
    await connected();
    const old = FakeSocket.last;
    old.end(code);
    await settle();
    await pass(500);
    assert.notEqual(FakeSocket.last, old, `${code}`);
  }
});

test('a token service that fails is asked again', async () => {
  tokens = [new Error('down'), 'T1'];
  const transport = open();
  await settle();
  assert.equal(transport.state, 'waiting');
  await pass(500);
  FakeSocket.last.accept();
  assert.equal(transport.state, 'open');
});

test('no token at all: the session has ended before it began', async () => {
  tokens = [null];
  const transport = open();
  await settle();
  assert.equal(transport.state, 'ended');
  assert.equal(FakeSocket.all.length, 0);
});

test('a server that accepts TCP and then says nothing is given up', async () => {
  const transport = open();
  await settle();
  await pass(8000);
  assert.equal(transport.state, 'waiting');
});

test('after close() nothing comes back', async () => {
  const transport = await connected();
  transport.close();
  assert.ok(FakeSocket.last.closed);
  await pass(60000);
  assert.equal(FakeSocket.all.length, 1);
});

test('a page that is left holds no connection; shown again, it is back at once', async () => {
  const transport = await connected();
  transport.sleep();
  assert.ok(FakeSocket.last.closed);
  await pass(120000);
  assert.equal(FakeSocket.all.length, 1);
  transport.check();
  await settle();
  FakeSocket.last.accept();
  assert.equal(transport.state, 'open');
});

test('tokens that come late, after the page was left and came back, make one connection', async () => {
  const waiting = [];
  const transport = new Transport({
    url: endpointUrl(PANEL),
    getToken: () => new Promise((resolve) => waiting.push(resolve)),
    onState: () => {},
    onEvent: () => {},
  });
  transport.open();
  transport.sleep();
  transport.check();
  transport.sleep();
  waiting[0]('T1');
  waiting[1]('T2');
  await settle();
  assert.equal(FakeSocket.all.length, 0, 'none for a page that nobody sees');
  transport.check();
  await settle();
  assert.equal(FakeSocket.all.length, 1);
  transport.sleep();
  transport.check();
  transport.sleep();
  transport.check();
  await settle();
  assert.equal(FakeSocket.all.filter(({ closed }) => !closed).length, 1);
});

test('a service that refuses the page is told from one that is away, and whoever builds the page reads why, once', async () => {
  const warned = mock.method(console, 'warn', () => {});
  reachable = true;
  const transport = await open();
  await settle();
  for (let refusals = 1; refusals < 3; refusals++) {
    FakeSocket.last.end(1006);
    await settle();
    assert.equal(transport.refused, true);
    await pass(30000);
  }
  assert.equal(warned.mock.callCount(), 1);
  assert.match(warned.mock.calls[0].arguments[0], /node1\.example.*allowed-origins.*kid/);
  reachable = false;
  FakeSocket.last.end(1006);
  await settle();
  assert.equal(transport.refused, false, 'it is away now');
});

test('offline, says the browser: two seconds without an answer, and the connection counts as lost', async () => {
  const transport = await connected();
  transport.suspect();
  assert.ok(FakeSocket.last.find('session.info'));
  await pass(1900);
  assert.equal(transport.state, 'open');
  await pass(200);
  assert.equal(transport.state, 'waiting');
});

test('offline, says the browser, but the service answers: nothing happens', async () => {
  const transport = await connected();
  transport.suspect();
  FakeSocket.last.answer('session.info', {});
  await pass(5000);
  assert.equal(transport.state, 'open');
});
