// SPDX-License-Identifier: LGPL-2.1-or-later
// The panel in a real browser without a service: states that are hard to make for real, and pages of other people's.

import { after, before } from 'node:test';

import { close, open } from './visit.js';

before(open);
after(close);

for (const name of ['states', 'frameworks', 'examples', 'looks']) if (!process.env.VB_FILE || process.env.VB_FILE === name) await import(`./${name}.js`);
