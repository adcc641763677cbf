// SPDX-License-Identifier: LGPL-2.1-or-later
// All that a panel's own server has to do, for Node 18 or newer: hand out tokens, and hear what has happened. The pages are there to try it.
//   SERVICE=https://node1.example/ KEY_FILE=/etc/vps-backup/keys/2026-11 SECRET_FILE=/etc/panel/webhook-secret PAGES=page \
//   CUSTOMERS='{"<session>":{"sub":"4711","vps":["<uuid>"]}}' node backend.mjs
// Then open http://127.0.0.1:8080/?session=<session>. That origin has to be in the service's allowed-origins.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, extname, join } from 'node:path';

const key = readFileSync(process.env.KEY_FILE); // the same file as in the service's token-keys
const secret = Buffer.from(readFileSync(process.env.SECRET_FILE, 'utf8').trim().replace(/^whsec_/, ''), 'base64');
const customers = JSON.parse(process.env.CUSTOMERS); // your database, and your sessions

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function mint({ sub, vps }) {
  const now = Math.floor(Date.now() / 1000);
  const text = `${encode({ alg: 'HS256', typ: 'JWT', kid: basename(process.env.KEY_FILE) })}.${encode({
    aud: 'vps-backup', sub, jti: randomUUID(), iat: now, exp: now + 900, vps,
    perms: ['backup.read', 'backup.create', 'backup.restore', 'backup.delete', 'power'],
  })}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

function isGenuine(headers, body) {
  const expected = Buffer.from(`v1,${createHmac('sha256', secret)
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`).update(body).digest('base64')}`);
  return Math.abs(Date.now() / 1000 - headers['webhook-timestamp']) < 300 && (headers['webhook-signature'] ?? '').split(' ')
    .some((one) => Buffer.byteLength(one) === expected.length && timingSafeEqual(Buffer.from(one), expected));
}

const pages = new URL(`${process.env.PAGES ?? 'page'}/`, import.meta.url); // or react, vue: build them first
const files = { '/': 'index.html', '/main.js': 'main.js' };
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' };

async function answer(request, response) {
  const url = new URL(request.url, 'http://panel');
  const session = /session=(\w+)/.exec(request.headers.cookie ?? '')?.[1]; // your login
  if (request.method === 'GET' && url.searchParams.has('session'))
    return response.writeHead(303, { Location: '/', 'Set-Cookie': `session=${url.searchParams.get('session')}; HttpOnly; SameSite=Lax` }).end();
  if (request.method === 'GET' && files[url.pathname]) {
    const name = files[url.pathname];
    return response.writeHead(200, { 'Content-Type': types[extname(name)] }).end(readFileSync(join(pages.pathname, name)));
  }
  if (request.method === 'GET' && url.pathname === '/server.json') // what your page knows of the customer's server
    return response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ endpoint: process.env.SERVICE, vps: customers[session]?.vps[0] }));
  if (request.method === 'POST' && url.pathname === '/backup-token') { // token-url of the elements
    const customer = customers[session];
    if (!customer) return response.writeHead(401).end();
    if (!customer.vps.includes(url.searchParams.get('vps'))) return response.writeHead(403).end();
    return response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ token: mint(customer) }));
  }
  if (request.method === 'POST' && url.pathname === '/webhook') { // url in [webhook]
    const body = Buffer.concat(await request.toArray());
    if (!isGenuine(request.headers, body)) return response.writeHead(400).end();
    console.log(body.toString()); // it may come again: remember its id
    return response.writeHead(204).end();
  }
  return response.writeHead(404).end();
}

const server = createServer((request, response) => answer(request, response).catch(() => response.writeHead(500).end()));
server.listen(process.env.PORT ?? 8080, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
