// SPDX-License-Identifier: LGPL-2.1-or-later
// What all elements share: attributes, the session behind them, and one update() for every change.

/** @import { GetToken, Vps } from '../types' */
/** @import { Store } from '../store.js' */
/** @import { Session } from '../session.js' */
/** @typedef {typeof import('./questions.js')} Questions */

import { acquire, release, renew } from '../session.js';
import { direction, loading, onLanguage, relabel, setLanguage, t, untranslated, words } from '../i18n.js';
import { set } from '../dom.js';
import { theme } from '../theme.js';
import { errorWords } from '../words.js';

/**
 * Shows on a button that what it does is under way.
 * @param {Element} button
 * @param {() => Promise<unknown> | undefined} act
 * @returns {Promise<string>} what to say if it has failed
 */
export async function attempt(button, act) {
  set(button, { 'aria-busy': 'true' });
  try {
    await act();
    return '';
  } catch (error) {
    return errorWords(error);
  } finally {
    set(button, { 'aria-busy': null });
  }
}

/** Attributes that are there or not; "false" is what some frameworks write for not. */
const FLAGS = new Set(['slots-request', 'compact']);

/**
 * Gives an element a property for each of its attributes: React, Vue and Svelte set properties where they find them.
 * @param {typeof BackupElement} element
 */
export function reflect({ prototype, observedAttributes }) {
  for (const attribute of ['theme', ...observedAttributes]) {
    const name = attribute.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
    /** @type {PropertyDescriptor & ThisType<BackupElement>} */
    const property = {
      configurable: true,
      enumerable: true,
      get() {
        return FLAGS.has(attribute) ? this.has(attribute) : this.getAttribute(attribute);
      },
      set(value) {
        set(this, { [attribute]: value });
      },
    };
    // Svelte's spread attributes are in lower case.
    for (const its of new Set([name, name.toLowerCase()])) if (!(its in prototype)) Object.defineProperty(prototype, its, property);
  }
}

export class BackupElement extends HTMLElement {
  static observedAttributes = ['endpoint', 'vps', 'token', 'token-url', 'lang'];
  /** @type {CSSStyleSheet[]} */
  static sheets = [];

  /** @type {GetToken | null} */
  #getToken = null;
  /** @type {Session | null} */
  #session = null;
  /** @type {Store | null} */
  #store = null;
  #inherits = false;
  #built = false;
  /** @type {Promise<void> | null} for the words, before there is anything to see */
  #waiting = null;
  /** @type {(() => void)[]} */
  #ends = [];
  /** @type {(() => void) | undefined} */
  #endLanguage;
  /** What we have put into attributes that the page leaves to us; undefined: it does not. @type {{lang?: string | null, dir: string | null}} */
  #own = { lang: null, dir: null };

  constructor() {
    super();
    const sheets = /** @type {typeof BackupElement} */ (this.constructor).sheets;
    this.root = this.attachShadow({ mode: 'open' });
    this.root.adoptedStyleSheets = [theme, ...sheets];
  }

  /** Where tokens come from, as a function: instead of the attributes `token` and `token-url`. */
  get getToken() {
    return this.#getToken;
  }

  set getToken(value) {
    this.#getToken = value;
    this.#reconnect();
  }

  /** For Svelte's spread attributes, which are in lower case. */
  get gettoken() {
    return this.getToken;
  }

  set gettoken(value) {
    this.getToken = value;
  }

  /** An element inside another one uses that one's store. */
  get store() {
    return this.#store;
  }

  set store(value) {
    if (value === this.#store) return;
    this.#leave();
    this.#inherits = true;
    this.#store = value;
    if (this.isConnected && this.#built) this.#join();
  }

  get vps() {
    return this.getAttribute('vps') ?? '';
  }

  set vps(value) {
    set(this, { vps: value });
  }

  /** @param {string} flag an attribute */
  has(flag) {
    return (this.getAttribute(flag) ?? 'false') !== 'false';
  }

  /** The VPS as the server has described it last. @returns {Vps | undefined} */
  get data() {
    return this.#store?.state.vps.get(this.vps);
  }

  /** Why nothing can be done right now, if that is so. */
  get offline() {
    const state = this.#store?.state.connection;
    if (state === 'open') return null;
    return state === 'ended' ? t('Your session has ended.') : t('Not connected.');
  }

  connectedCallback() {
    // Nothing is shown in English first and in the reader's language a moment later.
    const words = this.#built ? null : loading();
    if (words) this.#waiting ??= words.then(() => this.#arrive());
    else this.#arrive();
  }

  #arrive() {
    this.#waiting = null;
    if (!this.isConnected) return;
    if (!this.#built) {
      this.build();
      relabel(this.root, untranslated);
      this.#upgrade();
      for (const type of ['pointerover', 'focusin']) this.addEventListener(type, () => this.prefetch().catch(() => {}), { once: true });
    }
    this.#built = true;
    this.#endLanguage ??= onLanguage((before) => this.#speak(before));
    this.#mark();
    if (this.#inherits) this.#join();
    else this.#reconnect();
  }

  disconnectedCallback() {
    this.#endLanguage?.();
    this.#endLanguage = undefined;
    this.#leave();
    if (this.#session) release(this.#session);
    this.#session = null;
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (before === value) return;
    if (name === 'lang') {
      if (value === this.#own.lang) return;
      this.#own.lang = value === null ? null : undefined;
      setLanguage(value || undefined);
      return;
    }
    if (!this.isConnected || !this.#built) return;
    if (name === 'token' && this.#session && value) renew(this.#session, value);
    else if (name === 'vps') this.#rejoin();
    else if (BackupElement.observedAttributes.includes(name)) this.#reconnect();
    this.update();
  }

  /** Builds the shadow tree, once. */
  build() {}

  /** Brings the shadow tree to what the store holds. */
  update() {}

  /** Somebody is there: what the next click shows is fetched before it, and there if the connection is not. @returns {Promise<unknown>} */
  prefetch() {
    return import('./questions.js');
  }

  /**
   * Asks before something happens.
   * @template {keyof Questions} What
   * @param {What} what
   * @param {Parameters<Questions[What]> extends [any, ...infer About] ? About : never} about
   */
  async ask(what, ...about) {
    // Without a connection there may be no way to load it; the page says so then.
    const questions = await import('./questions.js').catch(() => null);
    // With one, the service has been replaced, and its files with it.
    if (!questions && !this.offline) this.emit('vps-backup-outdated', {});
    /** @type {((host: BackupElement, ...about: any[]) => void) | undefined} */ (questions?.[what])?.(this, ...about);
  }

  /** The store has just become this element's. Answers what ends it. @param {Store} _store @returns {(() => void)[]} */
  joined(_store) {
    return [];
  }

  /**
   * @param {string} name
   * @param {unknown} detail
   * @returns {boolean} false: the page has taken it over
   */
  emit(name, detail) {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  /** What the page has set before this class was there: properties hide the accessors, attributes may have lost their hyphens. */
  #upgrade() {
    for (const attribute of /** @type {typeof BackupElement} */ (this.constructor).observedAttributes) {
      const plain = this.getAttribute(attribute.replaceAll('-', ''));
      if (plain !== null && !this.hasAttribute(attribute)) this.setAttribute(attribute, plain);
    }
    const own = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this));
    for (const name of Object.keys(own)) {
      if (!(name in Object.getPrototypeOf(this))) continue;
      const value = own[name];
      delete own[name];
      own[name] = value;
    }
  }

  /** @param {Map<string, string>} before */
  #speak(before) {
    relabel(this.root, before);
    this.#mark();
    this.update();
  }

  /** The words are not always in the page's language; readers' programs have to know, and so has the layout. */
  #mark() {
    const around = this.getRootNode();
    if (this.#inherits || (around instanceof ShadowRoot && around.host instanceof BackupElement)) return;
    for (const [name, value] of /** @type {const} */ ([['lang', words()], ['dir', direction()]])) {
      if (this.getAttribute(name) !== this.#own[name]) continue;
      this.#own[name] = value;
      this.setAttribute(name, value);
    }
  }

  #reconnect() {
    if (!this.isConnected || !this.#built || this.#inherits) return;
    const before = this.#session;
    const [token, tokenUrl] = [this.getAttribute('token'), this.getAttribute('token-url')];
    this.#leave();
    this.#session = null;
    if (this.#getToken || tokenUrl !== null || token !== null) {
      const endpoint = this.getAttribute('endpoint') ?? '';
      this.#session = acquire({ endpoint, getToken: this.#getToken, tokenUrl, token });
      this.#store = this.#session.store;
      this.#join();
    }
    if (before) release(before);
    this.update();
  }

  #rejoin() {
    this.#leave();
    this.#join();
  }

  #join() {
    const store = this.#store;
    if (!store) return;
    this.#ends = [store.subscribe(() => this.update()), ...this.joined(store)];
    if (this.vps) this.#ends.push(store.watch(this.vps));
    this.update();
  }

  #leave() {
    for (const end of this.#ends) end();
    this.#ends = [];
  }
}
