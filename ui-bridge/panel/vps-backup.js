// SPDX-License-Identifier: LGPL-2.1-or-later
// The one module that a page loads: it defines the elements.

import { App } from './elements/app.js';
import { Card } from './elements/card.js';
import { Notifications } from './elements/notifications.js';
import { Overview } from './elements/overview.js';
import { Panel } from './elements/panel.js';
import { Resources } from './elements/resources.js';

import { setLanguage } from './i18n.js';

export { setLanguage };

const elements = Object.entries({
  card: Card,
  overview: Overview,
  panel: Panel,
  resources: Resources,
  notifications: Notifications,
  app: App,
}).map(([name, element]) => /** @type {const} */ ([`vps-backup-${name}`, element]));

// Nothing is shown in English first and in the reader's language a moment later.
await setLanguage(document.querySelector(elements.map(([name]) => name).join())?.getAttribute('lang') ?? undefined);
for (const [name, element] of elements) customElements.define(name, element);
