// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements in templates, for Vue 3: import type {} from 'vps-backup-panel/vue'.

import type { DefineComponent } from 'vue';
import type { BackupElementProperties, BackupEvents } from './types';

type Emits = { [Name in keyof BackupEvents]: (event: BackupEvents[Name]) => void };
type Elements = { [Name in keyof BackupElementProperties]: DefineComponent<BackupElementProperties[Name], {}, {}, {}, {}, {}, {}, Emits> };

declare module 'vue' {
  interface GlobalComponents extends Elements {}
}
