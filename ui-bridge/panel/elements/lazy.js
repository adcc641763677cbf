// SPDX-License-Identifier: LGPL-2.1-or-later
// Elements whose content is loaded when it is first shown: what a reader does not look at weighs nothing.

import { BackupElement } from './base.js';

/** @typedef {{update: () => void, focus: () => void}} Content fills the shadow root of its host */

export class LazyElement extends BackupElement {
  /** @type {Content | undefined} */
  #view;
  /** @type {Promise<void> | undefined} */
  #loading;

  /** @returns {Promise<{View: new (host: LazyElement) => Content}>} */
  load() {
    return Promise.reject();
  }

  async #show() {
    const { View } = await this.load();
    this.#view = new View(this);
    this.update();
  }

  update() {
    if (this.#view) this.#view.update();
    // Without a connection it comes with the next change.
    else if (this.isConnected) this.#loading ??= this.#show().catch(() => this.#failed());
  }

  #failed() {
    this.#loading = undefined;
    if (this.store && !this.offline) this.emit('vps-backup-outdated', {});
  }

  async focus() {
    await this.#loading;
    this.#view?.focus();
  }
}

/**
 * @param {string[]} attributes of its own
 * @param {LazyElement['load']} load
 */
export const lazy = (attributes, load) =>
  class extends LazyElement {
    static observedAttributes = [...LazyElement.observedAttributes, ...attributes];
    load = load;
  };
