// SPDX-License-Identifier: LGPL-2.1-or-later
// The one module that a page loads: it defines the elements.

import { App } from './elements/app.js';
import { Card } from './elements/card.js';
import { Notifications } from './elements/notifications.js';
import { Overview } from './elements/overview.js';
import { Panel } from './elements/panel.js';
import { Resources } from './elements/resources.js';

export { setLanguage } from './i18n.js';

for (const [name, element] of Object.entries({
  card: Card,
  overview: Overview,
  panel: Panel,
  resources: Resources,
  notifications: Notifications,
  app: App,
}))
  customElements.define(`vps-backup-${name}`, element);
