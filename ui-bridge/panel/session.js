// SPDX-License-Identifier: LGPL-2.1-or-later
// Elements of one page that use the same service with the same token share one connection.

/** @import { GetToken } from './types' */

import { Store } from './store.js';

/** Elements that are moved in the page leave and come back at once; that must not cost the connection. */
const LINGER_MS = 1000;

/** @typedef {{store: Store, keys: Set<unknown>, endpoint: string, token: string | null, users: number}} Session */

/** @type {Set<Session>} */
const sessions = new Set();

/** @param {string} url the operator's own address that answers a token as text, or as JSON {"token": "…"} */
async function fetchToken(url) {
  const answer = await fetch(url, { method: 'POST', credentials: 'same-origin', headers: { Accept: 'application/json, text/plain' } });
  if (answer.status === 401 || answer.status === 403) return null;
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const text = (await answer.text()).trim();
  return text.startsWith('{') ? JSON.parse(text).token : text;
}

/**
 * @param {object} from one of getToken, tokenUrl and token says where tokens come from
 * @param {string} from.endpoint
 * @param {GetToken | null} from.getToken
 * @param {string | null} from.tokenUrl
 * @param {string | null} from.token
 * @returns {Session}
 */
export function acquire({ endpoint, getToken, tokenUrl, token }) {
  const key = getToken ?? (tokenUrl && `url ${tokenUrl}`) ?? token;
  let session = [...sessions].find((known) => known.endpoint === endpoint && known.keys.has(key));
  if (!session) {
    /** @type {Session} */
    const made = {
      endpoint,
      token,
      keys: new Set([key]),
      users: 0,
      store: new Store({ endpoint, getToken: getToken ?? (tokenUrl ? () => fetchToken(tokenUrl) : () => made.token) }),
    };
    sessions.add(made);
    session = made;
  }
  session.users++;
  return session;
}

/**
 * The page hands in the next token: the connection goes on with it.
 * @param {Session} session
 * @param {string} token
 */
export function renew(session, token) {
  session.token = token;
  session.keys.add(token);
  session.store.setToken(token);
}

/** @param {Session} session */
export function release(session) {
  if (--session.users) return;
  setTimeout(() => {
    if (session.users) return;
    sessions.delete(session);
    session.store.close();
  }, LINGER_MS);
}

function wake() {
  if (document.visibilityState === 'visible') for (const { store } of sessions) store.wake();
}

addEventListener('online', wake);
addEventListener('offline', () => {
  for (const { store } of sessions) store.suspect();
});
addEventListener('pagehide', () => {
  for (const { store } of sessions) store.sleep();
});
addEventListener('pageshow', ({ persisted }) => persisted && wake());
document.addEventListener('visibilitychange', wake);
