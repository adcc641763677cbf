// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements in templates, for Svelte 5: import type {} from 'vps-backup-panel/svelte'.

import type { HTMLAttributes } from 'svelte/elements';
import type { BackupElementProperties, BackupEvents } from './types';

type Listeners = { [Name in keyof BackupEvents as `on${Name}`]?: (event: BackupEvents[Name]) => void };
type Elements = {
  [Name in keyof BackupElementProperties]: BackupElementProperties[Name] & Listeners & Omit<HTMLAttributes<HTMLElement>, keyof BackupElementProperties[Name]>;
};

declare module 'svelte/elements' {
  interface SvelteHTMLElements extends Elements {}
}
