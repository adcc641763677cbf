// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON-RPC over one WebSocket that comes back by itself. Knows tokens and close codes, nothing of backups.

/** @import { ConnectionState, GetToken } from './types' */

const EXPIRED = 4401;
const FLOODING = 4429;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30000;
const SILENCE_MS = 20000;
const PING_MS = 8000;
const SUSPICION_MS = 2000;
const RENEW_AGAIN_MS = 10000;
/** One refusal may be a server that is just starting, or full; as many in a row are meant. */
const REFUSALS = 4;

/** What the server refused, with the protocol's reason. */
export class RpcError extends Error {
  /** @param {{code: number, message: string, data?: {reason?: string}}} error */
  constructor({ code, message, data }) {
    super(message);
    this.code = code;
    this.reason = data?.reason ?? (code === -32602 ? 'invalid_params' : 'internal');
  }
}

/** The answer is unknown: the connection went away before it came. */
export class ConnectionLost extends Error {}

/** @param {string | null} endpoint the service's address, with or without a path; null: the page's own */
export function endpointUrl(endpoint) {
  const url = new URL(endpoint || '/', globalThis.location?.href);
  url.pathname = url.pathname.replace(/\/?$/, '/');
  return url;
}

export class Transport {
  /** What connections are made of where a page has another way to the service; null: the browser's. @type {typeof WebSocket | null} */
  static Socket = null;

  /** @type {ConnectionState} */
  state = 'connecting';
  /** @type {number | null} */
  retryAt = null;
  /** The service is there and does not let this page in. */
  refused = false;

  #url;
  #getToken;
  #onState;
  #onEvent;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
  #pending = new Map();
  #id = 0;
  #attempt = 0;
  #refusals = 0;
  /** @type {string | null} */
  #token = null;
  /** @type {string | null} */
  #refused = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal;
  /** Marks the latest call of open(): an earlier one that still waits for its token gives up. */
  #opening = {};
  #stopped = false;

  /**
   * @param {object} options
   * @param {URL} options.url the service's address
   * @param {GetToken} options.getToken
   * @param {(state: ConnectionState) => void} options.onState
   * @param {(method: string, params: any) => void} options.onEvent
   */
  constructor({ url, getToken, onState, onEvent }) {
    this.#url = url;
    this.#getToken = getToken;
    this.#onState = onState;
    this.#onEvent = onEvent;
  }

  /** Opens now; also while waiting for the next try, or after the session has ended. */
  async open() {
    clearTimeout(this.#timer);
    if (this.#socket || this.#stopped) return;
    const asked = {};
    this.#opening = asked;
    this.#set('connecting');
    try {
      this.#token ??= await this.#getToken();
    } catch {
      if (this.#opening === asked) this.#wait();
      return;
    }
    if (this.#opening !== asked || this.#stopped) return;
    if (!this.#token || this.#token === this.#refused) this.#end();
    else this.#connect(this.#token);
  }

  close() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** The page is left, perhaps to be shown again: no connection is held for it meanwhile. */
  sleep() {
    this.#opening = {};
    this.#drop();
    this.#set('waiting');
  }

  /** A wake-up (page visible again, network back): finds out at once whether the connection still works. */
  check() {
    if (this.state === 'open') this.#ping(PING_MS);
    else if (this.state !== 'connecting') {
      this.#refused = null;
      this.#refusals = 0;
      this.open();
    }
  }

  /** The browser says that the network is gone, which it need not be for this service. */
  suspect() {
    if (this.state === 'open') this.#ping(SUSPICION_MS);
  }

  /**
   * Hands in a token that the page has got by itself.
   * @param {string} token
   */
  async setToken(token) {
    if (token === this.#token && this.state !== 'ended') return;
    if (this.state === 'open') await this.request('session.renew', { token }).catch(() => {});
    this.#token = token;
    this.#refused = null;
    if (this.state === 'waiting' || this.state === 'ended') this.open();
  }

  /**
   * @param {string} method
   * @param {object} [params]
   * @returns {Promise<any>} rejects with RpcError or ConnectionLost
   */
  request(method, params) {
    const socket = this.#socket;
    if (this.state !== 'open' || !socket) return Promise.reject(new ConnectionLost());
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** @param {string} token */
  #connect(token) {
    const url = new URL('v1/ws', this.#url);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new (Transport.Socket ?? WebSocket)(url, ['vps-backup.v1', `bearer.${token}`]);
    this.#socket = socket;
    // A server that accepts and then says nothing must not hold us for ever.
    this.#timer = setTimeout(() => this.#lost(1006, false), PING_MS);
    socket.onopen = () => {
      this.#refused = null;
      this.#refusals = 0;
      this.refused = false;
      this.#set('open');
      this.#listen();
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#lost(code, this.state === 'open');
  }

  /** @param {string} data */
  #receive(data) {
    this.#attempt = 0;
    this.#listen();
    const { id, method, params, result, error } = JSON.parse(data);
    if (method) {
      if (method === 'session.expiring') this.#renew();
      this.#onEvent(method, params);
      return;
    }
    const waiter = this.#pending.get(id);
    this.#pending.delete(id);
    if (error) waiter?.reject(new RpcError(error));
    else waiter?.resolve(result);
  }

  /** Browsers cannot ping, and a connection that sleep or a router has cut looks open for ever. */
  #listen() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ping(PING_MS), SILENCE_MS);
  }

  /** @param {number} patience in ms */
  #ping(patience) {
    this.request('session.info').catch(() => {});
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(1006, true), patience);
  }

  async #renew() {
    clearTimeout(this.#renewal);
    const socket = this.#socket;
    try {
      const token = await this.#getToken();
      if (token && token !== this.#token) {
        await this.request('session.renew', { token });
        this.#token = token;
        return;
      }
    } catch {
      // tried again below, until the server closes
    }
    if (socket && socket === this.#socket) this.#renewal = setTimeout(() => this.#renew(), RENEW_AGAIN_MS);
  }

  /**
   * @param {number} code
   * @param {boolean} wasOpen
   */
  async #lost(code, wasOpen) {
    this.#drop();
    const refused = code === EXPIRED || (!wasOpen && (await this.#isReachable()));
    if (!wasOpen) this.#judge(refused);
    // The server is there and does not want this token: a new one, or in the end none.
    if (code === EXPIRED || (refused && ++this.#refusals >= REFUSALS)) this.#refused = this.#token;
    if (refused) this.#token = null;
    if (code === FLOODING) this.#attempt = Math.max(this.#attempt, 5);
    if (this.#stopped || this.#socket) return;
    if (code === EXPIRED) this.open();
    else this.#wait();
  }

  /** Whoever puts the panel into a page looks for the reason on the console. @param {boolean} refused */
  #judge(refused) {
    if (refused && !this.refused)
      console.warn(
        `${this.#url} refuses the connection: add ${globalThis.location?.origin} to allowed-origins, or check the token’s key (kid), its end, and the clocks.`,
      );
    this.refused = refused;
  }

  /** A refused upgrade looks to a page like a dead server; only another request can tell them apart. */
  async #isReachable() {
    try {
      const signal = AbortSignal.timeout(PING_MS);
      return (await fetch(new URL('panel/icon.svg', this.#url), { method: 'HEAD', cache: 'no-store', signal })).ok;
    } catch {
      return false;
    }
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new ConnectionLost());
  }

  /** Pauses grow and are spread, so that a thousand panels do not come back in the same instant. */
  #wait() {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempt++);
    const pause = longest * (0.5 + Math.random() / 2);
    this.retryAt = Date.now() + pause;
    this.#timer = setTimeout(() => this.open(), pause);
    this.#set('waiting');
  }

  #end() {
    this.#token = null;
    this.#set('ended');
  }

  /** @param {ConnectionState} state */
  #set(state) {
    if (state !== 'waiting') this.retryAt = null;
    this.state = state;
    this.#onState(state);
  }
}
