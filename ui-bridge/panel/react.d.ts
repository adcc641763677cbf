// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements in JSX, for React 19: import type {} from 'vps-backup-panel/react'.

import type { ClassAttributes, HTMLAttributes } from 'react';
import type { BackupElementProperties, BackupEvents } from './types';

/** onvps-backup-status and the like. */
type Listeners = { [Name in keyof BackupEvents as `on${Name}`]?: (event: BackupEvents[Name]) => void };

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements extends Elements {}
  }
}

type Elements = {
  [Name in keyof BackupElementProperties]: BackupElementProperties[Name] &
    Listeners & ClassAttributes<HTMLElementTagNameMap[Name]> & Omit<HTMLAttributes<HTMLElement>, keyof BackupElementProperties[Name]>;
};
