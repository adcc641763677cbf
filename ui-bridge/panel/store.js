// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place that holds state. It says only what the server has said; views read it and call its actions.

/** @import { GetToken, BackupNotification, Operation, PowerAction, Schedule, SchedulePreview, State, Vps } from './types' */

import { ConnectionLost, RpcError, Transport, endpointUrl } from './transport.js';

const PAGE = 100;
const KEPT_NOTIFICATIONS = 200;
const CREATE_TRIES = 4;
const AGAIN_MS = 5000;
const CLOCK_MS = 30000;
/** Of a VPS: what its page shows of the past. */
const OPERATIONS = 12;

/** crypto.randomUUID() is missing on pages without TLS. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {Vps} vps @param {Operation} operation @returns {Vps} */
function withProgress(vps, operation) {
  const backups = vps.backups.map((backup) =>
    backup.id === operation.backup && backup.state !== 'available' ? { ...backup, progress: operation.progress } : backup,
  );
  return { ...vps, operation, backups };
}

export class Store {
  /** @type {State} */
  state = {
    connection: 'connecting',
    retryAt: null,
    refused: false,
    info: null,
    vps: new Map(),
    missing: new Set(),
    operations: new Map(),
    authors: new Map(),
    notifications: [],
  };

  /** @type {Map<string, number>} UUID or "*" → how many views want it */
  #watched = new Map();
  /** UUIDs of which this connection has spoken: until then what we hold may be from before a restart of the server. */
  #fresh = new Set();
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {Set<(notification: BackupNotification) => void>} */
  #hearers = new Set();
  /** @type {Set<{resolve: (nothing?: undefined) => void, reject: (error: Error) => void}>} */
  #openWaiters = new Set();
  #announced = false;
  /** What is told in relative times changes by itself. @type {any} */
  #clock = setInterval(() => this.#changed(), CLOCK_MS);
  /** Of this one and all before it we know; null: of none yet. @type {number | null} */
  #heardUpTo = null;
  /** Nothing is missing between that one and what comes now. */
  #hearsAll = false;
  #transport;

  /**
   * @param {object} options
   * @param {string | null} options.endpoint
   * @param {GetToken} options.getToken
   */
  constructor({ endpoint, getToken }) {
    this.#transport = new Transport({
      url: endpointUrl(endpoint),
      getToken,
      onState: () => this.#connectionChanged(),
      onEvent: (method, params) => this.#event(method, params),
    });
    this.#transport.open();
    this.#clock.unref?.(); // of tests: they end without it
  }

  /**
   * Calls back after changes, several at once as one.
   * @param {() => void} listener
   * @returns {() => void} ends it
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Calls back for each notification that comes while the page is there, those of a connection loss included.
   * @param {(notification: BackupNotification) => void} hearer
   * @returns {() => void} ends it
   */
  onNotification(hearer) {
    this.#hearers.add(hearer);
    this.#hearAll();
    return () => this.#hearers.delete(hearer);
  }

  /**
   * Keeps a VPS in the state for as long as somebody wants it.
   * @param {string} vps UUID, or "*" for all that the token names
   * @returns {() => void} ends it
   */
  watch(vps) {
    const count = this.#watched.get(vps) ?? 0;
    this.#watched.set(vps, count + 1);
    if (!count && this.state.connection === 'open') this.#subscribe(vps);
    return () => this.#unwatch(vps);
  }

  /** The page is left. */
  sleep() {
    this.#transport.sleep();
  }

  /** The page was hidden, asleep or offline. */
  wake() {
    this.#transport.check();
    // Another page may have marked them as read.
    if (this.state.connection === 'open' && this.#hearsAll) this.#loadNewest();
  }

  /** The browser says that it is offline. */
  suspect() {
    this.#transport.suspect();
  }

  /** @param {string} token */
  setToken(token) {
    return this.#transport.setToken(token);
  }

  close() {
    clearInterval(this.#clock);
    this.#transport.close();
    for (const { reject } of this.#openWaiters) reject(new ConnectionLost());
    this.#listeners.clear();
    this.#hearers.clear();
  }

  /** The server has told of all that the token names. */
  get knowsAll() {
    return this.#fresh.has('*');
  }

  /** @param {string} permission */
  may(permission) {
    const permissions = this.state.info?.permissions ?? [];
    return permissions.includes(permission) || permissions.includes('admin');
  }

  /**
   * The key makes it safe to ask again when the connection went away before the answer came.
   * @param {string} vps
   * @param {string} name may be empty
   */
  async create(vps, name) {
    const params = { vps, request_key: randomId(), ...(name && { name }) };
    for (let tries = 1; ; tries++) {
      try {
        return await this.#transport.request('backup.create', params);
      } catch (error) {
        if (!(error instanceof ConnectionLost) || tries === CREATE_TRIES) throw error;
        await this.#opened();
      }
    }
  }

  /** What not every service can do. @param {'activity' | 'instant' | 'backup_first' | 'undo'} feature */
  offers(feature) {
    return this.state.info?.features?.includes(feature) ?? false;
  }

  /**
   * @param {string} vps
   * @param {string} backup
   * @param {{stop_first?: boolean, instant?: boolean, backup_first?: boolean}} how
   */
  restore(vps, backup, how) {
    return this.#transport.request('backup.restore', { vps, backup, ...how });
  }

  /** Puts back what the last restore has replaced. @param {string} vps */
  undo(vps) {
    return this.#transport.request('undo.start', { vps });
  }

  /** @param {string} vps */
  discardUndo(vps) {
    return this.#transport.request('undo.discard', { vps });
  }

  /** @param {string} vps @param {string} backup */
  delete(vps, backup) {
    return this.#transport.request('backup.delete', { vps, backup });
  }

  /** @param {string} vps @param {string} backup @param {string} name */
  rename(vps, backup, name) {
    return this.#transport.request('backup.rename', { vps, backup, name });
  }

  /** @param {string} vps @param {string} backup @param {boolean} wanted whether it is not to be deleted until that is taken back */
  protect(vps, backup, wanted) {
    return this.#transport.request('backup.protect', { vps, backup, protected: wanted });
  }

  /** @param {string} vps @param {string} operation */
  cancel(vps, operation) {
    return this.#transport.request('operation.cancel', { vps, operation });
  }

  /** @param {string} vps @param {number} total */
  setSlots(vps, total) {
    return this.#transport.request('slots.set', { vps, total });
  }

  /** @param {string} vps @param {Schedule | null} schedule null: none any more @param {string} [id] of several; services of old know one */
  setSchedule(vps, schedule, id) {
    return this.#transport.request('schedule.set', { vps, schedule, ...(id && { id }) });
  }

  /** @param {string} vps @param {string} id */
  removeSchedule(vps, id) {
    return this.#transport.request('schedule.remove', { vps, id });
  }

  /** @param {string} vps @param {Schedule} schedule @param {string} id @returns {Promise<SchedulePreview>} */
  previewSchedule(vps, schedule, id) {
    return this.#transport.request('schedule.preview', { vps, schedule, id });
  }

  /** @param {string} vps @param {PowerAction} action @param {boolean} force */
  power(vps, action, force) {
    return this.#transport.request(`power.${action}`, { vps, ...(force && { force }) });
  }

  /** @returns {Promise<{public_key: string}>} */
  pushKey() {
    return this.#transport.request('push.key');
  }

  /** For the same VPSs that are heard of while the page is open. @param {object} subscription @param {string} vps @param {string} locale */
  subscribePush(subscription, vps, locale) {
    return this.#transport.request('push.subscribe', { subscription, vps: this.#watched.has('*') ? '*' : vps, locale });
  }

  /** @param {string} endpoint */
  unsubscribePush(endpoint) {
    return this.#transport.request('push.unsubscribe', { endpoint });
  }

  async markRead() {
    const { notifications } = this.state;
    const last = notifications.at(-1);
    if (!last || notifications.every(({ read }) => read)) return;
    await this.#transport.request('notification.read', { up_to: last.id });
    this.state.notifications = this.state.notifications.map((item) => (item.id > last.id ? item : { ...item, read: true }));
    this.#changed();
  }

  /** @param {string} vps */
  #unwatch(vps) {
    const count = (this.#watched.get(vps) ?? 1) - 1;
    if (count) {
      this.#watched.set(vps, count);
      return;
    }
    this.#watched.delete(vps);
    if (this.#watched.has('*')) return;
    this.#request('vps.unsubscribe', { vps });
    // With all of them the server forgets those that are still wanted one by one.
    if (vps === '*') for (const one of this.#watched.keys()) this.#subscribe(one);
  }

  /**
   * For what can be asked again: an error leaves things as they are.
   * @param {string} method
   * @param {object} [params]
   */
  async #request(method, params) {
    try {
      return await this.#transport.request(method, params);
    } catch {
      return null;
    }
  }

  #opened() {
    if (this.state.connection === 'open') return Promise.resolve();
    return new Promise((resolve, reject) => this.#openWaiters.add({ resolve, reject }));
  }

  #connectionChanged() {
    const { state, retryAt, refused } = this.#transport;
    Object.assign(this.state, { connection: state, retryAt, refused });
    if (state === 'open') this.#start();
    if (state === 'open' || state === 'ended') {
      const waiters = [...this.#openWaiters];
      this.#openWaiters.clear();
      for (const { resolve, reject } of waiters) state === 'open' ? resolve() : reject(new ConnectionLost());
    }
    this.#changed();
  }

  async #start() {
    this.#fresh.clear();
    for (const vps of this.#watched.keys()) this.#subscribe(vps);
    const info = await this.#request('session.info');
    const isFirst = !this.state.info;
    if (info) this.state.info = info;
    if (isFirst) for (const vps of this.#watched.keys()) if (vps !== '*') this.#loadAuthors(vps);
    this.#hearAll();
    this.#changed();
    this.#hearsAll = false;
    if (this.#heardUpTo === null) this.#loadNewest();
    else this.#catchUp();
  }

  /** News is of every VPS of the token, not only of those on screen. */
  #hearAll() {
    const scope = this.state.info?.vps ?? [];
    if (this.#hearers.size && (scope === '*' || scope.length > 1) && !this.#watched.has('*')) this.watch('*');
  }

  /** @param {string} vps */
  async #subscribe(vps) {
    if (vps !== '*') this.#loadOperations(vps);
    if (vps !== '*' && this.#watched.has('*')) return;
    try {
      const answer = await this.#transport.request('vps.subscribe', { vps });
      if (vps === '*') this.#forgetOthers(answer.vps);
      for (const item of vps === '*' ? answer.vps : [answer]) this.#put(item);
      this.#fresh.add(vps);
    } catch (error) {
      if (!(error instanceof RpcError)) return;
      if (error.reason === 'not_found' || error.reason === 'forbidden') this.#remove(vps);
      else setTimeout(() => this.#watched.has(vps) && this.#subscribe(vps), AGAIN_MS);
    }
    this.#changed();
  }

  /** @param {Vps[]} present */
  #forgetOthers(present) {
    const known = new Set(['*', ...present.map(({ vps }) => vps)]);
    for (const vps of [...this.state.vps.keys(), ...this.#watched.keys()]) if (!known.has(vps)) this.#remove(vps);
  }

  /** @param {string} vps */
  #remove(vps) {
    this.state.vps.delete(vps);
    this.state.missing.add(vps);
  }

  /** @param {Vps} vps */
  #put(vps) {
    const known = this.state.vps.get(vps.vps);
    if (known && this.#fresh.has(vps.vps) && vps.seq < known.seq) return;
    this.#fresh.add(vps.vps);
    this.state.missing.delete(vps.vps);
    this.state.vps.set(vps.vps, vps);
    if (known?.operation && !vps.operation && this.#watched.has(vps.vps)) this.#loadOperations(vps.vps);
  }

  /** @param {string} method @param {any} params */
  #event(method, params) {
    if (method === 'vps.changed') this.#put(params);
    else if (method === 'vps.removed') this.#remove(params.vps);
    else if (method === 'operation.progress') this.#progress(params);
    else if (method === 'notification.added') this.#notified(params);
    this.#changed();
  }

  /** @param {{vps: string, operation: Operation, seq: number}} event */
  #progress({ vps: id, operation, seq }) {
    const vps = this.state.vps.get(id);
    if (!vps || seq <= vps.seq || vps.operation?.id !== operation.id) return;
    this.state.vps.set(id, { ...withProgress(vps, operation), seq });
  }

  /** @param {string} vps */
  async #loadOperations(vps) {
    const answer = await this.#request('operation.list', { vps, limit: OPERATIONS });
    if (!answer) return;
    this.state.operations.set(vps, answer.operations);
    this.#changed();
    this.#loadAuthors(vps);
  }

  /** Who began them. At first it is not known whether the service tells: then it is asked after session.info. @param {string} vps */
  async #loadAuthors(vps) {
    const activity = this.offers('activity') && (await this.#request('activity.list', { vps }));
    if (!activity) return;
    for (const { by, target } of activity.entries.reverse()) if (target) this.state.authors.set(target, by);
    this.#changed();
  }

  /** @param {BackupNotification} notification */
  #notified(notification) {
    if (this.#hearsAll) this.#heardUpTo = notification.id;
    this.#addNotifications([notification], true);
  }

  /** What has happened before the page was there is not announced. */
  async #loadNewest() {
    const page = await this.#request('notification.list', { newest: true, limit: KEPT_NOTIFICATIONS });
    if (!page) return this.#again(() => this.#loadNewest());
    if (this.#heardUpTo === null) {
      this.#heardUpTo = page.notifications.at(-1)?.id ?? 0;
      this.#hearsAll = true;
    }
    this.#addNotifications(page.notifications, false);
    this.#changed();
  }

  /** What the page has missed is. */
  async #catchUp() {
    const page = await this.#request('notification.list', { after: this.#heardUpTo, limit: PAGE });
    if (!page) return this.#again(() => this.#catchUp());
    this.#heardUpTo = page.notifications.at(-1)?.id ?? this.#heardUpTo;
    this.#hearsAll = !page.notifications.length;
    this.#addNotifications(page.notifications, true);
    if (!this.#hearsAll) this.#catchUp();
    this.#changed();
  }

  /** Too much at once: in a moment. @param {() => void} ask */
  #again(ask) {
    if (this.state.connection === 'open') setTimeout(ask, AGAIN_MS);
  }

  /** @param {BackupNotification[]} added @param {boolean} news */
  #addNotifications(added, news) {
    const byId = new Map(this.state.notifications.map((item) => [item.id, item]));
    const fresh = added.filter(({ id }) => !byId.has(id));
    for (const item of added) byId.set(item.id, item);
    this.state.notifications = [...byId.values()].sort((a, b) => a.id - b.id).slice(-KEPT_NOTIFICATIONS);
    if (news) for (const item of fresh) for (const hearer of this.#hearers) hearer(item);
  }

  #changed() {
    if (this.#announced) return;
    this.#announced = true;
    queueMicrotask(() => {
      this.#announced = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
