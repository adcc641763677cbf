// SPDX-License-Identifier: LGPL-2.1-or-later
// Notifications with the page closed: what the browser, the reader and the service make of it. Loaded when it is wanted.

/** @import { Store } from './store.js' */

/** The element that it is for. @typedef {{store: Store | null, vps: string, getAttribute: (name: string) => string | null}} Host */

import { locale } from './i18n.js';
import { ConnectionLost, RpcError } from './transport.js';

/** unavailable: not in this browser, on this page, or with this service; blocked: the reader has said no */
/** @typedef {'unavailable' | 'blocked' | 'off' | 'on'} PushState */

/** @param {string} text base64url */
const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));

/** @param {ArrayBuffer | null} one @param {Uint8Array} other */
const same = (one, other) => !!one && new Uint8Array(one).join() === other.join();

/** A worker that has just been registered cannot subscribe yet. @param {ServiceWorkerRegistration} registration */
async function activated(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  while (worker && worker.state !== 'activated') {
    if (worker.state === 'redundant') throw new Error('the service worker was not installed');
    await new Promise((resolve) => worker.addEventListener('statechange', resolve, { once: true }));
  }
  return registration;
}

export class Push {
  #host;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
  }

  /** The page's own service worker, or ours; with the address that a notification leads to. */
  get #script() {
    const url = new URL(this.#host.getAttribute('service-worker') ?? new URL('sw.js', import.meta.url), location.href);
    const open = this.#host.getAttribute('push-url');
    if (open) url.searchParams.set('open', open);
    return url;
  }

  get #store() {
    const { store } = this.#host;
    if (!store) throw new ConnectionLost();
    return store;
  }

  /** @returns {Promise<PushState>} */
  async state() {
    const possible = 'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;
    if (!possible || this.#script.origin !== location.origin || !(await this.#key())) return 'unavailable';
    if (Notification.permission === 'denied') return 'blocked';
    return (await this.#subscription()) ? 'on' : 'off';
  }

  /** To be called by a click: browsers ask their reader only then. */
  async turnOn() {
    if ((await Notification.requestPermission()) !== 'granted') return;
    const key = await this.#key();
    if (!key) return;
    const registration = await activated(await navigator.serviceWorker.register(this.#script, { type: 'module' }));
    const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    try {
      await this.#tell(subscription);
    } catch (error) {
      await subscription.unsubscribe();
      throw error;
    }
  }

  async turnOff() {
    const registration = await this.#registration();
    const subscription = await registration?.pushManager.getSubscription();
    if (subscription) await this.#store.unsubscribePush(subscription.endpoint);
    await subscription?.unsubscribe();
    await registration?.unregister();
  }

  /** The service forgets a browser that does not come back, and may have another key since. */
  async confirm() {
    const subscription = await this.#subscription();
    const key = subscription && (await this.#key());
    if (!key) return;
    if (same(subscription.options.applicationServerKey, key)) await this.#tell(subscription);
    else {
      await subscription.unsubscribe();
      await this.turnOn();
    }
  }

  /** @param {PushSubscription} subscription */
  #tell(subscription) {
    return this.#store.subscribePush(subscription.toJSON(), this.#host.vps, locale() ?? navigator.language);
  }

  #registration() {
    return navigator.serviceWorker.getRegistration(new URL('./', this.#script).href);
  }

  async #subscription() {
    if (Notification.permission !== 'granted') return null;
    return (await (await this.#registration())?.pushManager.getSubscription()) ?? null;
  }

  /** null: the service is too old to send any, or its operator does not want to. */
  async #key() {
    try {
      return bytes((await this.#store.pushKey()).public_key);
    } catch (error) {
      if (error instanceof RpcError) return null;
      throw error;
    }
  }
}
