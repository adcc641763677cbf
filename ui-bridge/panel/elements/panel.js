// SPDX-License-Identifier: LGPL-2.1-or-later
// The backups of a VPS.

import { LazyElement } from './lazy.js';

export class Panel extends LazyElement {
  static observedAttributes = [...LazyElement.observedAttributes, 'support-url'];

  async load() {
    const [{ View }] = await Promise.all([import('./panel-view.js'), import('./row.js')]);
    return View;
  }
}
