// SPDX-License-Identifier: LGPL-2.1-or-later
// Compiled, never run: what an application in TypeScript writes has to be known to the compiler, and what is wrong has to be refused.

import type {} from '../../../ui-bridge/panel/react';
import type { AppElement, BackupNotification, Vps } from '../../../ui-bridge/panel/types';

export const jsx = (
  <vps-backup-app
    endpoint="https://node1.example/"
    vps="uuid"
    getToken={async () => 'token'}
    price={2.5}
    currency="EUR"
    slotsRequest
    supportUrl="/help"
    view="backups"
    className="mine"
    ref={(element) => element?.setAttribute('data-mine', element.current)}
    onvps-backup-status={({ detail }) => detail.status satisfies Vps['status']}
  />
);

// @ts-expect-error there is no such view
export const wrongView = <vps-backup-app view="elsewhere" />;
// @ts-expect-error a token comes from a function
export const wrongToken = <vps-backup-card getToken="T" />;

const app: AppElement = document.createElement('vps-backup-app');
app.price = 2.5;
app.theme = 'dark';
app.addEventListener('vps-backup-slots-request', (event) => {
  event.preventDefault();
  const { vps, total, billable_steps: steps } = event.detail;
  fetch(`/order?vps=${vps}&total=${total}&steps=${steps.toFixed()}`);
});
document.addEventListener('vps-backup-notification', ({ detail }) => detail satisfies BackupNotification);
// @ts-expect-error not a property of this element
document.createElement('vps-backup-list').price = 3;
// The browser's own is not shadowed.
export const permission: string = Notification.permission;
