// SPDX-License-Identifier: LGPL-2.1-or-later
// The service's end of a page's websocket, in the hands of a test: states that are hard to make for real. What is shown of the
// real service is tested in ../browser.

export const MINUTE = 60e3;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const EVERYTHING = ['backup.read', 'backup.create', 'backup.restore', 'backup.delete', 'power'];

/** @param {number} ms @param {number} [now] */
export const ago = (ms, now = Date.now()) => new Date(now - ms).toISOString();

let number = 0;
export const uuid = () => `${(++number).toString(16).padStart(8, '0')}-1111-4222-8333-444455556666`;

/** A complete backup; fields that a service of today always sends. */
export const backup = (fields = {}) => ({
  id: uuid(),
  name: 'Before the update',
  state: 'available',
  progress: null,
  size_bytes: 1_580_000_000,
  created_at: ago(3 * HOUR),
  completed_at: ago(3 * HOUR),
  consistency: 'filesystem',
  protected: false,
  scheduled: false,
  incremental: true,
  disks: [{ target: 'vda', virtual_size_bytes: 20e9, size_bytes: 1_580_000_000 }],
  ...fields,
});

export const operation = (fields = {}) => ({
  id: uuid(),
  kind: 'create',
  backup: '',
  state: 'copying',
  progress: 37.4,
  bytes_done: 590_000_000,
  bytes_total: 1_580_000_000,
  rate_bytes_per_s: 85_000_000,
  eta_s: 12,
  stalled: false,
  started_at: ago(7000),
  ended_at: null,
  error: null,
  ...fields,
});

export function vps(fields = {}) {
  const backups = fields.backups ?? [];
  const power = fields.power ?? 'running';
  const busy = !!fields.operation;
  const slots = { used: backups.length, total: 2, included: 2, extra: 0, step: 1, maximum: 10, billable_steps: 0, ...fields.slots };
  return {
    vps: uuid(),
    name: 'web-01',
    power,
    status: power,
    power_actions: { start: power === 'stopped' && !busy, stop: power === 'running' && !busy, restart: power === 'running' && !busy },
    can_create: { allowed: !busy && slots.used < slots.total, reason: busy ? 'operation_running' : slots.used < slots.total ? null : 'slots_full' },
    operation: null,
    backups,
    schedule: null,
    next_run_at: null,
    seq: 1,
    ...fields,
    slots,
  };
}

/** A VPS whose backup is being created, or restored, as the operation says. */
export function busy(kind, { state = 'copying', backups = [], ...fields } = {}) {
  const its = backup({
    name: 'Nightly',
    state: state === 'queued' && kind === 'create' ? 'queued' : kind === 'create' ? 'creating' : 'restoring',
    progress: fields.progress ?? 37.4,
    ...(kind === 'create' && { size_bytes: null, completed_at: null, created_at: ago(7000) }),
  });
  return vps({
    status: kind === 'create' ? 'creating_backup' : 'restoring_backup',
    operation: operation({ kind, state, backup: its.id, ...fields }),
    backups: [its, ...backups],
  });
}

let notifications = 0;
export const notification = (of, type, fields = {}) => ({
  id: ++notifications,
  type,
  vps: of.vps,
  vps_name: of.name,
  backup: of.backups[0]?.id ?? null,
  backup_name: of.backups[0]?.name ?? null,
  operation: uuid(),
  reason: null,
  created_at: ago(2 * MINUTE),
  read: false,
  ...fields,
});

const refusal = (reason, code = -32000) => Object.assign(new Error(reason), { code, reason });

export class Service {
  /** @type {Set<import('playwright-core').WebSocketRoute>} */
  #sockets = new Set();
  /** Requests that change something, as they came. @type {{method: string, params: any}[]} */
  asked = [];
  opened = 0;
  /** Nothing is answered any more. */
  silent = false;
  /** No connection is taken. */
  refuses = false;
  /** Answers of the test's own. @type {Record<string, (params: any) => any>} */
  answers = {};

  constructor({ all = [], perms = EVERYTHING, operations = [], notifications: told = [], audit = null, info = {} } = {}) {
    this.all = all;
    this.operations = operations;
    this.notifications = told;
    this.audit = audit;
    this.info = {
      server: { name: 'vps-backup', version: '1.0' },
      subject: 'customer-4711',
      permissions: perms,
      vps: all.length > 1 ? '*' : all.map(({ vps: id }) => id),
      expires_at: new Date(Date.now() + HOUR).toISOString(),
      stall_timeout_s: 1800,
      ...info,
    };
  }

  /** @param {import('playwright-core').Page} page */
  attach(page) {
    return page.routeWebSocket(/\/v1\/ws$/, (socket) => {
      if (this.refuses) return socket.close({ code: 3000 });
      this.opened++;
      this.#sockets.add(socket);
      socket.onClose(() => this.#sockets.delete(socket));
      socket.onMessage((text) => this.#request(socket, JSON.parse(String(text))));
    });
  }

  event(method, params) {
    for (const socket of this.#sockets) socket.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** A VPS has changed. */
  change(fields, index = 0) {
    const changed = vps({ ...this.all[index], ...fields, seq: this.all[index].seq + 1 });
    this.all[index] = changed;
    this.event('vps.changed', changed);
    return changed;
  }

  tell(type, fields = {}) {
    const told = notification(this.all[0], type, fields);
    this.notifications.push(told);
    this.event('notification.added', told);
  }

  drop(code = 1001) {
    for (const socket of this.#sockets) socket.close({ code });
    this.#sockets.clear();
  }

  #request(socket, { id, method, params = {} }) {
    if (this.silent) return;
    const answer = { jsonrpc: '2.0', id };
    try {
      answer.result = this.#answer(method, params);
    } catch ({ message, code, reason }) {
      answer.error = { code, message, data: { reason } };
    }
    socket.send(JSON.stringify(answer));
  }

  #answer(method, params) {
    const found = this.all.find(({ vps: id }) => id === params.vps);
    if (!/^(session|vps|activity|operation\.list|notification|push\.key|audit)/.test(method)) this.asked.push({ method, params });
    if (this.answers[method]) return this.answers[method](params);
    switch (method) {
      case 'session.info':
        return this.info;
      case 'vps.subscribe':
        if (params.vps === '*') return { vps: this.all };
        if (!found) throw refusal('not_found');
        return found;
      case 'operation.list':
        return { operations: this.operations.slice(0, params.limit) };
      case 'notification.list':
        return { notifications: params.newest ? this.notifications : this.notifications.filter(({ id }) => id > (params.after ?? 0)) };
      case 'push.key':
        throw refusal('not_found');
      default:
        return {};
    }
  }
}
