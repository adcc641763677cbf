// SPDX-License-Identifier: LGPL-2.1-or-later
// An element whose content is loaded when it is first shown: a page that shows the overview is lighter by half.

import { BackupElement } from './base.js';

/** @typedef {{update: () => void, focus: () => void}} Content */

export class LazyElement extends BackupElement {
  /** @type {Content | undefined} */
  #view;
  /** @type {Promise<void> | undefined} */
  #loading;

  /** @returns {Promise<new (host: LazyElement) => Content>} fills the shadow root of its host */
  load() {
    return Promise.reject();
  }

  async #show() {
    const View = await this.load();
    this.#view = new View(this);
    this.update();
  }

  update() {
    if (this.#view) this.#view.update();
    // Without a connection it comes with the next change.
    else if (this.isConnected) this.#loading ??= this.#show().catch(() => (this.#loading = undefined));
  }

  async focus() {
    await this.#loading;
    this.#view?.focus();
  }
}
