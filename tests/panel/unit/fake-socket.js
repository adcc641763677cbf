// SPDX-License-Identifier: LGPL-2.1-or-later
// A WebSocket whose other end is the test.

export class FakeSocket {
  /** @type {FakeSocket[]} */
  static all = [];

  /** @type {any[]} what the panel has sent, parsed */
  sent = [];
  closed = false;
  onopen = null;
  onmessage = null;
  onclose = null;

  constructor(url, protocols) {
    this.url = String(url);
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  static get last() {
    return FakeSocket.all.at(-1);
  }

  static install() {
    FakeSocket.all = [];
    globalThis.WebSocket = FakeSocket;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  accept() {
    this.onopen?.({});
  }

  /** @param {number} code */
  end(code) {
    this.onclose?.({ code });
  }

  event(method, params) {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', method, params }) });
  }

  /** @param {string} method @returns {any} the oldest request of that method that has no answer yet */
  find(method) {
    return this.sent.find((request) => request.method === method && !request.answered);
  }

  answer(method, result) {
    const request = this.#take(method);
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', id: request.id, result }) });
    return request;
  }

  refuse(method, error) {
    const request = this.#take(method);
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', id: request.id, error }) });
    return request;
  }

  #take(method) {
    const request = this.find(method);
    if (!request) throw new Error(`no ${method} among ${JSON.stringify(this.sent)}`);
    request.answered = true;
    return request;
  }
}

/** Lets everything that waits for promises only come to rest. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
