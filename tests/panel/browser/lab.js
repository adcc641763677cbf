// SPDX-License-Identifier: LGPL-2.1-or-later
// The lab at the other end of lab.py's pipe: lab.kill(), lab.state(vps), …

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('lab.py', import.meta.url));
const child = spawn('/usr/bin/python3', ['-B', program], { stdio: ['pipe', 'pipe', 'inherit'] });
const pending = new Map();
let number = 0;

createInterface({ input: child.stdout }).on('line', (line) => {
  const { id, result, error } = JSON.parse(line);
  const { resolve, reject } = pending.get(id);
  pending.delete(id);
  if (error === undefined) resolve(result);
  else reject(new Error(error));
});
child.on('exit', (code) => {
  for (const { reject } of pending.values()) reject(new Error(`the lab has ended with ${code}`));
});

/** @param {string} command @param {object} [values] its named arguments */
export function lab(command, values = {}) {
  const id = ++number;
  child.stdin.write(`${JSON.stringify({ id, do: command, with: values })}\n`);
  return new Promise((resolve, reject) => pending.set(id, { resolve, reject }));
}
