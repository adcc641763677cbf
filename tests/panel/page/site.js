// SPDX-License-Identifier: LGPL-2.1-or-later
// Serves the panel's files, and pages of the tests' own, on loopback.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const PANEL = process.env.VB_PANEL ?? fileURLToPath(new URL('../../../ui-bridge/panel', import.meta.url));
const CATALOGUES = `${process.env.VB_BUILD}/po`;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

/** As the service sends it with the panel's page: nothing but its own files. */
export const POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'";

/** Path → content of the tests' own. @type {Map<string, string>} */
export const pages = new Map();

async function read(path) {
  if (pages.has(path)) return pages.get(path);
  const name = normalize(path).replace(/\/$/, '/index.html');
  if (name.startsWith('/panel/locale/')) return readFile(CATALOGUES + name.slice('/panel/locale'.length));
  if (name.startsWith('/panel/')) return readFile(PANEL + name.slice('/panel'.length));
  throw new Error('no such file');
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://site');
  try {
    const content = await read(pathname);
    const type = TYPES[extname(pathname)] ?? 'text/html';
    response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*', 'Content-Security-Policy': POLICY }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});

export async function openSite() {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

export function closeSite() {
  server.closeAllConnections();
  server.close();
}
