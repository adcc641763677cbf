// SPDX-License-Identifier: LGPL-2.1-or-later
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Push } from '../../../ui-bridge/panel/push.js';
import { ConnectionLost, RpcError } from '../../../ui-bridge/panel/transport.js';

const SCRIPT = 'https://panel.example/backup-worker.js';

let calls, attributes, answers, registration, permission;

class Subscription {
  endpoint = 'https://push.example/1';
  constructor(key) {
    this.options = { applicationServerKey: Uint8Array.from(key).buffer };
  }
  toJSON() {
    return { endpoint: this.endpoint };
  }
  async unsubscribe() {
    calls.push('forgotten by the browser');
    registration.subscription = null;
  }
}

const call = (name) => async (...values) => {
  calls.push([name, ...values]);
  if (answers[name] instanceof Error) throw answers[name];
  return answers[name];
};

const host = {
  store: { pushKey: call('key'), subscribePush: call('subscribe'), unsubscribePush: call('unsubscribe') },
  vps: 'A',
  getAttribute: (name) => attributes[name] ?? null,
};

const push = new Push(host);

beforeEach(() => {
  calls = [];
  attributes = { 'service-worker': '/backup-worker.js' };
  answers = { key: { public_key: 'AQID_-8' }, subscribe: {}, unsubscribe: {} };
  permission = 'default';
  registration = {
    subscription: null,
    active: { state: 'activated' },
    pushManager: {
      getSubscription: async () => registration.subscription,
      subscribe: async ({ applicationServerKey }) => (registration.subscription = new Subscription(applicationServerKey)),
    },
    unregister: async () => calls.push('unregistered'),
  };
  const values = {
    location: new URL('https://panel.example/servers/A'),
    PushManager: class {},
    Notification: {
      get permission() {
        return permission;
      },
      requestPermission: async () => {
        calls.push('asked');
        if (permission === 'default') permission = 'granted';
        return permission;
      },
    },
    navigator: {
      language: 'de-AT',
      serviceWorker: {
        register: async (url, options) => (calls.push(['register', url.href, options.type]), registration),
        getRegistration: async () => registration,
      },
    },
  };
  for (const [name, value] of Object.entries(values)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
});

test('turned on: asked, registered, told to the service', async () => {
  assert.equal(await push.state(), 'off');
  calls = [];
  await push.turnOn();
  assert.deepEqual(calls, ['asked', ['key'], ['register', SCRIPT, 'module'], ['subscribe', { endpoint: 'https://push.example/1' }, 'A', 'de-AT']]);
  assert.deepEqual([...new Uint8Array(registration.subscription.options.applicationServerKey)], [1, 2, 3, 255, 239]);
  assert.equal(await push.state(), 'on');
});

test('what a notification opens goes with the worker', async () => {
  attributes['push-url'] = 'https://panel.example/servers/{vps}?tab=1';
  await push.turnOn();
  const [, url] = calls.find(([name]) => name === 'register');
  assert.equal(new URL(url).searchParams.get('open'), attributes['push-url']);
});

test('a reader who says no is not asked for anything else', async () => {
  permission = 'denied';
  assert.equal(await push.state(), 'blocked');
  calls = [];
  await push.turnOn();
  assert.deepEqual(calls, ['asked']);
});

test('not offered: no service worker, another origin, a service that sends none', async () => {
  attributes['service-worker'] = 'https://elsewhere.example/sw.js';
  assert.equal(await push.state(), 'unavailable');
  attributes['service-worker'] = '/backup-worker.js';
  for (const error of [{ code: -32601, message: '…' }, { code: -32000, message: '…', data: { reason: 'not_found' } }]) {
    answers.key = new RpcError(error);
    assert.equal(await push.state(), 'unavailable');
  }
  answers.key = { public_key: 'AQID' };
  assert.equal(await push.state(), 'off');
  globalThis.navigator = {};
  assert.equal(await push.state(), 'unavailable');
});

test('what the service refuses leaves nothing behind', async () => {
  answers.subscribe = new RpcError({ code: -32000, message: '…', data: { reason: 'rate_limited' } });
  await assert.rejects(push.turnOn(), RpcError);
  assert.equal(await push.state(), 'off');
});

test('turned off: the service first, and what it has not heard stays on', async () => {
  await push.turnOn();
  calls = [];
  answers.unsubscribe = new ConnectionLost();
  await assert.rejects(push.turnOff(), ConnectionLost);
  assert.equal(await push.state(), 'on');
  calls = [];
  answers.unsubscribe = {};
  await push.turnOff();
  assert.deepEqual(calls, [['unsubscribe', 'https://push.example/1'], 'forgotten by the browser', 'unregistered']);
});

test('each visit confirms it; a new key of the service makes a new subscription; nobody is asked who has not turned it on', async () => {
  await push.confirm();
  assert.deepEqual(calls, []);
  await push.turnOn();
  calls = [];
  await push.confirm();
  assert.deepEqual(calls.map((one) => one[0] ?? one), ['key', 'subscribe']);
  answers.key = { public_key: 'BBBB' };
  calls = [];
  await push.confirm();
  assert.ok(calls.includes('forgotten by the browser'));
  assert.deepEqual([...new Uint8Array(registration.subscription.options.applicationServerKey)], [4, 16, 65]);
});
