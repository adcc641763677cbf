// SPDX-License-Identifier: LGPL-2.1-or-later
// How many backups a VPS may keep. Buying is the operator's: its page may take the order over.

import { LazyElement } from './lazy.js';

export class Resources extends LazyElement {
  static observedAttributes = [...LazyElement.observedAttributes, 'price', 'currency', 'slots-request'];

  async load() {
    return (await import('./resources-view.js')).View;
  }
}
