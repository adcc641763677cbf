// SPDX-License-Identifier: LGPL-2.1-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { notificationWords } from '../../../ui-bridge/panel/outcomes.js';
import { errorWords, powerlessWords, reasonWords } from '../../../ui-bridge/panel/words.js';
import { ConnectionLost, RpcError } from '../../../ui-bridge/panel/transport.js';

const types = readFileSync(new URL('../../../ui-bridge/panel/types.d.ts', import.meta.url), 'utf8');
const core = readFileSync(new URL('../../../plugin/core/base/vb-error.c', import.meta.url), 'utf8');
const reasons = [...types.slice(types.indexOf('Reason ='), types.indexOf(';', types.indexOf('Reason ='))).matchAll(/'(\w+)'/g)].map(([, reason]) => reason);

test('the panel knows every reason that the service has', () => {
  const known = new Set(reasons);
  const named = [...core.matchAll(/"([a-z]+(?:_[a-z]+)*)"/g)].map(([, word]) => word);
  assert.ok(named.length >= 17, `${named}`);
  for (const reason of named.filter((one) => one !== 'invalid_params')) assert.ok(known.has(reason), reason);
});

test('each reason has words of its own: what is the matter, and what to do', () => {
  const words = reasons.map(reasonWords);
  assert.equal(new Set(words).size, words.length);
  const asks = /Ask|Delete|Wait|[Tt]ry|[Cc]ontact|call support|Restore|Start|add slots/;
  for (const [index, reason] of reasons.entries())
    if (!['not_found', 'too_late', 'cancelled'].includes(reason)) assert.match(words[index], asks, reason);
});

test('a reason that is not known yet is a fault of the server, in words', () => {
  assert.equal(reasonWords('from_the_future'), reasonWords('internal'));
  assert.match(errorWords(new ConnectionLost()), /^The connection was lost/);
  assert.equal(errorWords(new RpcError({ code: -32000, message: '…', data: { reason: 'slots_full' } })), reasonWords('slots_full'));
  assert.equal(errorWords(new TypeError('…')), reasonWords('internal'));
});

test('each notification has a title, a body and a tone', () => {
  const notification = { id: 1, vps: 'v', vps_name: 'web', backup: 'b', backup_name: 'Nightly', operation: 'o', created_at: '', read: false };
  for (const [type, tone] of [['backup_completed', 'green'], ['restore_completed', 'green'], ['backup_failed', 'red'], ['restore_failed', 'red'], ['operation_stalled', 'amber']]) {
    const words = notificationWords({ ...notification, type, reason: tone === 'red' ? 'pool_unavailable' : null });
    assert.ok(words.title && words.body);
    assert.equal(words.tone, tone);
  }
  assert.match(notificationWords({ ...notification, type: 'operation_stalled', reason: null }).body, /contact support/);
  const skipped = notificationWords({ ...notification, type: 'schedule_skipped', backup: null, backup_name: null, operation: null, reason: 'slots_full' });
  assert.match(skipped.body, /^No backup was made.* slots are in use/);
  assert.equal(skipped.tone, 'amber');
  const damaged = notificationWords({ ...notification, type: 'backup_damaged', reason: 'checksum_mismatch' });
  assert.match(damaged.body, /damaged/);
  assert.equal(damaged.tone, 'red');
});

test('a power button that is of no use says why', () => {
  const vps = (reason) => ({ can_create: { allowed: !reason, reason } });
  assert.match(powerlessWords(vps(null), 'start'), /already running/);
  assert.match(powerlessWords(vps('slots_full'), 'restart'), /not running/);
  assert.equal(powerlessWords(vps('hypervisor_unavailable'), 'start'), reasonWords('hypervisor_unavailable'));
});
