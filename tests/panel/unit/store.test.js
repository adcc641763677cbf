// SPDX-License-Identifier: LGPL-2.1-or-later
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import { Store } from '../../../ui-bridge/panel/store.js';
import { ConnectionLost } from '../../../ui-bridge/panel/transport.js';
import { FakeSocket, settle } from './fake-socket.js';

const A = 'aaaaaaaa-0000-4000-8000-000000000000';
const INFO = { server: {}, subject: 'u', permissions: ['backup.read', 'backup.create'], vps: [A], expires_at: null };

const operation = (fields = {}) => ({ id: 'op', kind: 'create', backup: 'b1', state: 'copying', progress: 10, ...fields });
const backup = (fields = {}) => ({ id: 'b1', name: 'First', state: 'creating', progress: 10, size_bytes: null, ...fields });
const vps = (seq, fields = {}) => ({ vps: A, name: 'web', seq, operation: null, backups: [], ...fields });
const note = (id, fields = {}) => ({ id, type: 'backup_completed', vps: A, read: false, ...fields });

let store;
let heard;

/** All in one page; after a loss of the connection there is one more, which is empty. */
async function answerNotifications(socket, notifications) {
  await settle();
  const { newest } = socket.find('notification.list').params;
  socket.answer('notification.list', { notifications });
  await settle();
  if (notifications.length && !newest) socket.answer('notification.list', { notifications: [] });
  await settle();
}

/** Opens the newest socket and answers what a store asks at the start. */
async function start(state, notifications = []) {
  await settle();
  const socket = FakeSocket.last;
  socket.accept();
  socket.answer('vps.subscribe', state);
  socket.answer('session.info', INFO);
  socket.answer('operation.list', { operations: [] });
  await answerNotifications(socket, notifications);
  return socket;
}

/** The connection breaks, and the next one is there. */
async function reconnect() {
  FakeSocket.last.end(1006);
  await settle();
  mock.timers.tick(1000);
}

beforeEach(() => {
  FakeSocket.install();
  mock.timers.reset();
  mock.timers.enable(process.version.startsWith('v18.') ? ['setTimeout'] : { apis: ['setTimeout'] });
  globalThis.fetch = async () => {
    throw new TypeError('refused');
  };
  heard = [];
  store = new Store({ endpoint: 'https://node1.example/', getToken: () => 'T' });
  store.onNotification(({ id }) => heard.push(id));
  store.watch(A);
});

test('subscribes once it is connected and shows what the server says', async () => {
  await start(vps(1));
  assert.equal(store.state.vps.get(A).name, 'web');
  assert.ok(store.may('backup.create'));
  assert.ok(!store.may('power'));
});

test('progress goes into the operation and its backup, an older event changes nothing', async () => {
  const socket = await start(vps(1, { operation: operation(), backups: [backup()] }));
  socket.event('operation.progress', { vps: A, operation: operation({ progress: 40 }), seq: 5 });
  socket.event('operation.progress', { vps: A, operation: operation({ progress: 30 }), seq: 4 });
  socket.event('vps.changed', vps(3, { name: 'old' }));
  const state = store.state.vps.get(A);
  assert.equal(state.operation.progress, 40);
  assert.equal(state.backups[0].progress, 40);
  assert.equal(state.name, 'web');
});

test('progress of another operation than the one shown is ignored', async () => {
  const socket = await start(vps(1));
  socket.event('operation.progress', { vps: A, operation: operation(), seq: 2 });
  assert.equal(store.state.vps.get(A).operation, null);
});

test('after a restart of the server its lower seq counts', async () => {
  await start(vps(900, { operation: operation(), backups: [backup()] }));
  await reconnect();
  await start(vps(2, { backups: [backup({ state: 'available', progress: null })] }));
  assert.equal(store.state.vps.get(A).operation, null);
  assert.equal(store.state.vps.get(A).seq, 2);
});

test('a VPS that the token does not name is missing, and back when the server has it', async () => {
  await settle();
  const socket = FakeSocket.last;
  socket.accept();
  socket.refuse('vps.subscribe', { code: -32000, message: 'No.', data: { reason: 'not_found' } });
  await settle();
  assert.ok(store.state.missing.has(A));
  await reconnect();
  await start(vps(1));
  assert.ok(!store.state.missing.has(A));
});

test('a subscription refused for a while is asked for again', async () => {
  await settle();
  const socket = FakeSocket.last;
  socket.accept();
  socket.refuse('vps.subscribe', { code: -32000, message: 'Slow down.', data: { reason: 'rate_limited' } });
  await settle();
  assert.ok(!store.state.missing.has(A));
  mock.timers.tick(5000);
  assert.ok(socket.find('vps.subscribe'));
});

test('a create whose answer got lost is asked again with the same key', async () => {
  const socket = await start(vps(1));
  const created = store.create(A, 'Before update');
  const first = socket.find('backup.create').params;
  await reconnect();
  const next = await start(vps(2));
  assert.deepEqual(next.find('backup.create').params, first);
  next.answer('backup.create', { operation: operation(), backup: backup() });
  assert.equal((await created).operation.id, 'op');
});

test('a create that is refused is not asked again', async () => {
  const socket = await start(vps(1));
  const refused = assert.rejects(store.create(A, ''), { reason: 'slots_full' });
  socket.refuse('backup.create', { code: -32000, message: '…', data: { reason: 'slots_full' } });
  await refused;
  assert.equal(socket.find('backup.create'), undefined);
});

test('a create without a name sends none', async () => {
  const socket = await start(vps(1));
  store.create(A, '');
  assert.deepEqual(Object.keys(socket.find('backup.create').params), ['vps', 'request_key']);
});

test('a restore whose answer got lost is never asked twice', async () => {
  const socket = await start(vps(1));
  const restored = store.restore(A, 'b1', {});
  const failed = assert.rejects(restored, ConnectionLost);
  await reconnect();
  await failed;
  assert.equal((await start(vps(2))).find('backup.restore'), undefined);
  assert.ok(socket.find('backup.restore'));
});

test('nothing changes before the server has said so', async () => {
  const socket = await start(vps(1, { backups: [backup({ state: 'available' })] }));
  store.delete(A, 'b1');
  assert.equal(store.state.vps.get(A).backups.length, 1);
  socket.answer('backup.delete', {});
  await settle();
  assert.equal(store.state.vps.get(A).backups.length, 1);
  socket.event('vps.changed', vps(2));
  assert.equal(store.state.vps.get(A).backups.length, 0);
});

test('notifications: history is silent, news and what a lost connection missed are announced once', async () => {
  let socket = await start(vps(1), [note(1), note(2)]);
  assert.deepEqual(heard, []);
  socket.event('notification.added', note(3));
  await reconnect();
  socket = await start(vps(2), [note(4)]);
  socket.event('notification.added', note(4));
  assert.deepEqual(heard, [3, 4]);
  assert.deepEqual(store.state.notifications.map(({ id }) => id), [1, 2, 3, 4]);
});

test('marking read asks the server up to the newest, and only if something is unread', async () => {
  const socket = await start(vps(1), [note(1), note(7)]);
  const marked = store.markRead();
  assert.deepEqual(socket.answer('notification.read', {}).params, { up_to: 7 });
  await marked;
  assert.ok(store.state.notifications.every(({ read }) => read));
  await store.markRead();
  assert.equal(socket.find('notification.read'), undefined);
});

test('an operation that has ended is looked up: its failure has to be shown', async () => {
  const socket = await start(vps(1, { operation: operation(), backups: [backup()] }));
  socket.event('vps.changed', vps(2));
  const failed = operation({ state: 'failed', error: { reason: 'pool_unavailable', message: '…' } });
  socket.answer('operation.list', { operations: [failed] });
  await settle();
  assert.deepEqual(store.state.operations.get(A), [failed]);
});

test('views are told once for many events', async () => {
  const socket = await start(vps(1));
  let calls = 0;
  store.subscribe(() => calls++);
  for (let seq = 2; seq < 20; seq++) socket.event('vps.changed', vps(seq));
  await settle();
  assert.equal(calls, 1);
});

test('the last view that leaves ends the subscription', async () => {
  const unwatch = store.watch(A);
  const socket = await start(vps(1));
  unwatch();
  assert.equal(socket.find('vps.unsubscribe'), undefined);
});

test('"*" brings every VPS, those that come later and those that go', async () => {
  store.close();
  store = new Store({ endpoint: 'https://node1.example/', getToken: () => 'T' });
  store.watch('*');
  await settle();
  const socket = FakeSocket.last;
  socket.accept();
  socket.answer('vps.subscribe', { vps: [vps(1), { ...vps(1), vps: 'B' }] });
  await settle();
  socket.event('vps.changed', { ...vps(1), vps: 'C' });
  assert.deepEqual([...store.state.vps.keys()], [A, 'B', 'C']);
  socket.end(1006);
  await settle();
  mock.timers.tick(1000);
  await settle();
  FakeSocket.last.accept();
  FakeSocket.last.answer('vps.subscribe', { vps: [vps(1)] });
  await settle();
  assert.deepEqual([...store.state.vps.keys()], [A]);
});

test('the bell hears of every VPS of a token that names several; one that is gone is missing', async () => {
  await settle();
  const socket = FakeSocket.last;
  socket.accept();
  socket.answer('vps.subscribe', vps(1));
  socket.answer('session.info', { ...INFO, vps: [A, 'B'] });
  await settle();
  assert.equal(socket.find('vps.subscribe').params.vps, '*');
  socket.answer('vps.subscribe', { vps: [vps(1), { ...vps(1), vps: 'B' }] });
  await answerNotifications(socket, []);
  socket.event('notification.added', note(5, { vps: 'B' }));
  assert.deepEqual(heard, [5]);
  await reconnect();
  await settle();
  FakeSocket.last.accept();
  FakeSocket.last.answer('vps.subscribe', { vps: [{ ...vps(1), vps: 'B' }] });
  await settle();
  assert.ok(store.state.missing.has(A));
});

for (const [scope, all] of [[[A], false], ['*', true]])
  test(`a token of ${all ? 'all VPSs hears of all of them' : 'one VPS subscribes to no more than that'}`, async () => {
    FakeSocket.install();
    store.close();
    store = new Store({ endpoint: 'https://node1.example/', getToken: () => 'T' });
    store.onNotification(() => {});
    store.watch(A);
    await settle();
    FakeSocket.last.accept();
    FakeSocket.last.answer('vps.subscribe', vps(1));
    FakeSocket.last.answer('session.info', { ...INFO, vps: scope });
    await settle();
    assert.equal(FakeSocket.last.find('vps.subscribe')?.params.vps, all ? '*' : undefined);
    assert.equal(FakeSocket.last.find('notification.list').params.vps, undefined);
  });

test('who leaves "*" keeps what is watched by itself', async () => {
  const socket = await start(vps(1));
  const unwatch = store.watch('*');
  socket.answer('vps.subscribe', { vps: [vps(1)] });
  unwatch();
  assert.equal(socket.find('vps.unsubscribe').params.vps, '*');
  assert.equal(socket.find('vps.subscribe').params.vps, A);
});

test('on waking the read marks of other pages are fetched, and nothing is announced again', async () => {
  const socket = await start(vps(1), [note(6), note(7)]);
  store.wake();
  assert.equal(socket.find('notification.list').params.newest, true);
  await answerNotifications(socket, [note(6, { read: true }), note(7, { read: true })]);
  assert.ok(store.state.notifications.every(({ read }) => read));
  assert.deepEqual(heard, []);
});

test('what comes while the list is being read stays unread', async () => {
  const socket = await start(vps(1), [note(6)]);
  const marked = store.markRead();
  assert.equal(socket.find('notification.read').params.up_to, 6);
  socket.event('notification.added', note(7));
  socket.answer('notification.read', {});
  await marked;
  assert.deepEqual(store.state.notifications.map(({ id, read }) => [id, read]), [[6, true], [7, false]]);
});

test('history that the server is too busy for is read a moment later', async () => {
  await settle();
  const socket = FakeSocket.last;
  socket.accept();
  socket.answer('vps.subscribe', vps(1));
  socket.answer('session.info', INFO);
  await settle();
  socket.refuse('notification.list', { code: -32000, message: '…', data: { reason: 'rate_limited' } });
  await settle();
  assert.equal(socket.find('notification.list'), undefined);
  mock.timers.tick(5000);
  await settle();
  assert.equal(socket.find('notification.list').params.newest, true);
  await answerNotifications(socket, [note(3)]);
  assert.deepEqual(store.state.notifications.map(({ id }) => id), [3]);
  assert.deepEqual(heard, []);
});

test('what was missed is read page by page, from where it broke off; what comes meanwhile takes nothing of it away', async () => {
  await start(vps(1), [note(1)]);
  await reconnect();
  await settle();
  const second = FakeSocket.last;
  second.accept();
  second.answer('vps.subscribe', vps(1));
  second.answer('session.info', INFO);
  await settle();
  assert.equal(second.find('notification.list').params.after, 1);
  second.answer('notification.list', { notifications: [note(2), note(3)] });
  await settle();
  second.event('notification.added', note(9));
  second.refuse('notification.list', { code: -32000, message: '…', data: { reason: 'rate_limited' } });
  await settle();
  await reconnect();
  await settle();
  const third = FakeSocket.last;
  third.accept();
  third.answer('vps.subscribe', vps(1));
  third.answer('session.info', INFO);
  await settle();
  assert.equal(third.find('notification.list').params.after, 3);
  await answerNotifications(third, [note(4), note(9)]);
  assert.deepEqual(heard, [2, 3, 9, 4]);
  third.event('notification.added', note(10));
  await reconnect();
  await settle();
  FakeSocket.last.accept();
  FakeSocket.last.answer('session.info', INFO);
  await settle();
  assert.equal(FakeSocket.last.find('notification.list').params.after, 10);
});
