// SPDX-License-Identifier: LGPL-2.1-or-later
// The main job, from the first backup to the guest's old data.

/** @type {import('./all.js').Test[]} */
export const backups = [];
