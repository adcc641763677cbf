// SPDX-License-Identifier: LGPL-2.1-or-later
// receiver.js CERTIFICATE KEY: push services (https, /push/NAME) and receivers of a webhook (http, /hook/NAME), which answer as they
// are told and remember what they got, opened with other people's libraries. Says "PORT PORT" (https, http) first; ends with stdin.
// To be asked over http:
//   POST /subscribe/NAME             makes a browser; answers its subscription
//   PUT  /plan/push/NAME, /plan/hook/NAME   [answer…] for the next requests: a status, {status, headers}, "never" or "reset"
//   GET  /requests/push/NAME, …      what has come, in order

import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import ece from 'http_ece';
import jws from 'jws';

const [certificate, key] = process.argv.slice (2);
const browsers = new Map ();
const plans = new Map ();
const requests = new Map ();

let endpointBase;

function base64url (buffer) {
  return Buffer.from (buffer).toString ('base64url');
}

function subscribe (name) {
  const ecdh = crypto.createECDH ('prime256v1');
  ecdh.generateKeys ();
  const auth = crypto.randomBytes (16);
  browsers.set (name, { ecdh, auth });
  return {
    endpoint: `${endpointBase}/push/${name}`,
    expirationTime: null,
    keys: { p256dh: base64url (ecdh.getPublicKey ()), auth: base64url (auth) },
  };
}

function decrypt (name, body) {
  const { ecdh, auth } = browsers.get (name);
  const text = ece.decrypt (body, { version: 'aes128gcm', privateKey: ecdh, authSecret: base64url (auth) });
  return JSON.parse (text.toString ('utf8'));
}

// RFC 8292: the key is a raw point of P-256, the token a JWS that it verifies.
function checkAuthorization (header) {
  const [, token, k] = /^vapid t=([^,\s]+), ?k=([A-Za-z0-9_-]+)$/.exec (header) ?? [];
  const point = Buffer.from (k ?? '', 'base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: base64url (point.subarray (1, 33)), y: base64url (point.subarray (33)) };
  const pem = crypto.createPublicKey ({ key: jwk, format: 'jwk' }).export ({ type: 'spki', format: 'pem' });
  return { valid: jws.verify (token, 'ES256', pem), claims: jws.decode (token).payload, k };
}

const openers = {
  push (name, headers, body) {
    return { message: decrypt (name, body), vapid: checkAuthorization (headers.authorization), bytes: body.length };
  },
  // The signature is checked by the test, over the body as it came.
  hook (name, headers, body) {
    return { body: body.toString ('utf8') };
  },
};

function answer (request, response, plan) {
  if (plan === 'never')
    return;
  if (plan === 'reset') {
    request.socket.destroy ();
    return;
  }
  if (plan === 'endless') {
    response.writeHead (201);
    const timer = setInterval (() => response.write (Buffer.alloc (65536)), 5);
    response.on ('close', () => clearInterval (timer));
    return;
  }
  const { status, headers = {} } = typeof plan === 'number' ? { status: plan } : plan;
  response.writeHead (status, headers);
  response.end (status >= 400 ? '<p>No.</p>' : '');
}

function receive (kind, name, request, response, body) {
  const path = `${kind}/${name}`;
  const plan = plans.get (path)?.shift () ?? (kind === 'push' ? 201 : 200);
  const entry = { at: Date.now (), method: request.method, headers: request.headers, plan };
  try {
    Object.assign (entry, openers[kind] (name, request.headers, body));
  } catch (error) {
    entry.problem = String (error);
  }
  if (!requests.has (path))
    requests.set (path, []);
  requests.get (path).push (entry);
  answer (request, response, plan);
}

function control (request, response, body) {
  const [, verb, ...rest] = request.url.split ('/');
  const path = rest.join ('/');
  let result = {};
  if (verb === 'subscribe')
    result = subscribe (path);
  else if (verb === 'plan')
    plans.set (path, JSON.parse (body));
  else if (verb === 'requests')
    result = requests.get (path) ?? [];
  response.writeHead (200, { 'content-type': 'application/json' });
  response.end (JSON.stringify (result));
}

function handle (request, response) {
  const chunks = [];
  request.on ('data', chunk => chunks.push (chunk));
  request.on ('end', () => {
    const body = Buffer.concat (chunks);
    const [, kind, name] = request.url.split ('/');
    if (kind === 'push' || kind === 'hook')
      receive (kind, name, request, response, body);
    else
      control (request, response, body);
  });
}

const secure = https.createServer ({ cert: fs.readFileSync (certificate), key: fs.readFileSync (key) }, handle);
const plain = http.createServer (handle);
secure.listen (0, '127.0.0.1', () => plain.listen (0, '127.0.0.1', () => {
  endpointBase = `https://localhost:${secure.address ().port}`;
  console.log (secure.address ().port, plain.address ().port);
}));
process.stdin.on ('end', () => process.exit (0)).resume ();
