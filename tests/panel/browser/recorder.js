// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at the panel in every frame, for what lasts too short to be asked for from outside.

/** @param {import('playwright-core').Page} page @param {string} name of the backup to follow */
export function record(page, name) {
  return page.evaluate((wanted) => {
    const root = document.querySelector('vps-backup-app').shadowRoot;
    const inside = (element) => root.querySelector(element).shadowRoot;
    const [panel, overview] = [inside('vps-backup-panel'), inside('vps-backup-overview')];
    const seen = { rows: [], statuses: [], power: [], spoken: [], places: [], facts: [] };
    const add = (list, value) => list.at(-1) !== value && list.push(value);
    const said = new Map();
    window.recorded = seen;
    window.recording = true;
    window.seen.shifts = [];
    const place = (element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x, y, width, height].map(Math.round).join(' ');
    };
    const look = () => {
      if (!window.recording) return;
      requestAnimationFrame(look);
      add(seen.statuses, overview.querySelector('[part=status]').textContent);
      add(seen.power, [...overview.querySelectorAll('[part~=power] button')].map((one) => (one.ariaDisabled === 'true' ? 'off' : 'on')).join(' '));
      for (const region of [...panel.querySelectorAll('[role=status]'), ...overview.querySelectorAll('[role=status]')]) {
        if (region.textContent && region.textContent !== said.get(region)) seen.spoken.push(region.textContent);
        said.set(region, region.textContent);
      }
      const row = [...panel.querySelectorAll('li[part=backup]')].find((one) => one.querySelector('strong')?.textContent === wanted);
      if (!row) return;
      const bar = row.querySelector('[role=progressbar]');
      add(seen.rows, `${row.dataset.state} ${bar.hidden ? '-' : bar.ariaValueNow}`);
      add(seen.facts, row.querySelector('[part=backup-facts]').textContent);
      add(seen.places, [row, panel.querySelector('[part=create]'), overview.querySelector('[part=name]')].map(place).join(', '));
    };
    look();
  }, name);
}

/** @param {import('playwright-core').Page} page @returns {Promise<any>} */
export const recorded = (page) =>
  page.evaluate(() => {
    window.recording = false;
    return { ...window.recorded, shifts: window.seen.shifts };
  });
