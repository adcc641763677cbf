// SPDX-License-Identifier: LGPL-2.1-or-later
// The examples, run as their first lines say: the backend hands out the token, each page shows the panel and hears its status.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { bundle } from './bundle.js';
import { backup, vps } from './service.js';
import { site, visiting } from './visit.js';

const EXAMPLES = fileURLToPath(new URL('../../../ui-bridge/panel/examples', import.meta.url));
const ENTRIES = { page: null, react: 'main.jsx', vue: 'main.mjs' };

for (const [name, entry] of Object.entries(ENTRIES))
  test(`the ${name} example runs`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vps-backup-example-'));
    cpSync(EXAMPLES, folder, { recursive: true });
    if (entry) writeFileSync(join(folder, name, 'main.js'), await bundle({ entryPoints: [join(folder, name, entry)] }));
    writeFileSync(join(folder, 'key'), 'k'.repeat(40));
    writeFileSync(join(folder, 'secret'), 'whsec_c2VjcmV0');
    const all = [vps({ backups: [backup()] })];
    const customers = JSON.stringify({ s1: { sub: '4711', vps: [all[0].vps] } });
    const environment = { ...process.env, SERVICE: `${site}/`, KEY_FILE: join(folder, 'key'), SECRET_FILE: join(folder, 'secret'), CUSTOMERS: customers, PAGES: name, PORT: '0' };
    const backend = spawn(process.execPath, [join(folder, 'backend.mjs')], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = await once(createInterface({ input: backend.stdout }), 'line');
      await visiting({ all }, async (visit) => {
        await visit.page.goto(`http://127.0.0.1:${line.split(' ')[1]}/?session=s1`);
        await visit.page.getByRole('heading', { name: 'web-01' }).waitFor();
        await visit.page.locator('output', { hasText: 'running' }).waitFor();
        visit.problems = visit.problems.filter((one) => !/favicon|404/.test(one));
        assert.equal(visit.service.opened, 1);
      });
    } finally {
      backend.kill();
      rmSync(folder, { recursive: true });
    }
  });
