// SPDX-License-Identifier: LGPL-2.1-or-later
/** @typedef {[name: string, options: object, run: (visit: import('./visit.js').Visit, stage: any) => Promise<void>]} Test */

import { arrival } from './arrival.js';
import { backups } from './backups.js';

/** @type {Test[]} */
export const tests = [...arrival, ...backups];
