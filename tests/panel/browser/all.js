// SPDX-License-Identifier: LGPL-2.1-or-later
/** @typedef {[name: string, options: object, run: (visit: import('./visit.js').Visit, stage: any) => Promise<void>]} Test */

import { arrival } from './arrival.js';
import { backups } from './backups.js';
import { embed } from './embed.js';
import { languages } from './languages.js';
import { live } from './live.js';
import { measure } from './measure.js';
import { news } from './news.js';
import { people } from './people.js';
import { push } from './push.js';
import { resources } from './resources.js';
import { schedule } from './schedule.js';

/** @type {Test[]} */
export const tests = [...arrival, ...backups, ...resources, ...schedule, ...news, ...push, ...live, ...embed, ...people, ...languages, ...measure];
