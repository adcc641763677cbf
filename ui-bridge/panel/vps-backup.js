// SPDX-License-Identifier: LGPL-2.1-or-later
// The one module that a page loads: it defines the elements.

import { App } from './elements/app.js';
import { reflect } from './elements/base.js';
import { lazy } from './elements/lazy.js';
import { Notifications } from './elements/notifications.js';
import { Overview } from './elements/overview.js';

import { setLanguage } from './i18n.js';

export { setLanguage };

async function panel() {
  const [view] = await Promise.all([import('./elements/panel-view.js'), import('./elements/row.js'), import('./elements/schedule.js')]);
  return view;
}

const elements = Object.entries({
  card: lazy(['kind', 'href'], () => import('./elements/card-view.js')),
  overview: Overview,
  summary: lazy([], () => import('./elements/summary-view.js')),
  activity: lazy(['limit'], () => import('./elements/activity-view.js')),
  panel: lazy(['support-url'], panel),
  resources: lazy(['price', 'currency', 'slots-request'], () => import('./elements/resources-view.js')),
  list: lazy([], () => import('./elements/list-view.js')),
  notifications: Notifications,
  app: App,
}).map(([name, element]) => /** @type {const} */ ([`vps-backup-${name}`, element]));

// They are defined at once, so that an application that comes after finds their properties; they wait for the words themselves.
setLanguage(document.querySelector(elements.map(([name]) => name).join())?.getAttribute('lang') ?? undefined);
for (const [name, element] of elements) {
  reflect(element);
  customElements.define(name, element);
}
