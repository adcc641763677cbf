// SPDX-License-Identifier: LGPL-2.1-or-later
// The peer of tests/bench/load: the least that a server on npm's ws needs for the same fan-out. Orders on stdin as bridge-host takes
// them: "add VPS NAME" is a state that goes to all who listen; a line "operate VPS" begins four progress events a second.
'use strict';
const { createInterface } = require('node:readline');
const { WebSocketServer } = require('ws');

const listeners = new Map(); // VPS → set of sockets
const states = new Map();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, maxPayload: 65536, backlog: 1024 });

function send(vps, text) {
  for (const socket of listeners.get(vps) ?? [])
    socket.send(text);
}

function operation(state) {
  return { id: state.vps, kind: 'create', backup: state.vps, state: 'copying', progress: Math.min(99, state.seq / 10), bytes_done: state.seq * 65536,
           bytes_total: 67108864, rate_bytes_per_s: 655360, eta_s: 60, stalled: false, started_at: '2026-01-01T00:00:00Z', ended_at: null, error: null };
}

function changed(vps, name) {
  const state = states.get(vps) ?? { vps, seq: 0 };
  states.set(vps, state);
  Object.assign(state, { name, power: 'running', status: 'creating_backup', power_actions: { start: false, stop: false, restart: false },
    slots: { used: 1, total: 2, included: 2, extra: 0, step: 1, maximum: 10, billable_steps: 0 },
    can_create: { allowed: false, reason: 'operation_running' }, operation: operation(state),
    backups: [{ id: vps, name: '2026-01-01 00:00', state: 'creating', progress: 1, size_bytes: null, created_at: '2026-01-01T00:00:00Z',
                completed_at: null, consistency: 'crash', incremental: false, disks: [] }], seq: state.seq + 1 });
  send(vps, JSON.stringify({ jsonrpc: '2.0', method: 'vps.changed', params: state }));
}

function progress(vps) {
  const state = states.get(vps);
  state.seq++;
  send(vps, JSON.stringify({ jsonrpc: '2.0', method: 'operation.progress', params: { vps, operation: operation(state), seq: state.seq } }));
}

server.on('connection', socket => {
  let mine = null;
  socket.on('message', data => {
    const request = JSON.parse(data);
    mine = request.params.vps;
    if (!listeners.has(mine))
      listeners.set(mine, new Set());
    listeners.get(mine).add(socket);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: request.id, result: states.get(mine) }));
  });
  socket.on('close', () => listeners.get(mine)?.delete(socket));
  socket.on('error', () => {});
});
server.on('listening', () => console.log(`ready ${server.address().port}`));
createInterface({ input: process.stdin }).on('line', line => {
  const [word, vps, name] = line.split(' ');
  if (word === 'add')
    changed(vps, name);
  else if (word === 'operate')
    setInterval(progress, 250, vps);
  console.log('ok');
}).on('close', () => process.exit(0));
