// SPDX-License-Identifier: LGPL-2.1-or-later
// A visit to a page in the distribution's Chromium: what it complains about is kept, and judged at its end.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

import { lab } from './lab.js';
import { settled } from '../settled.js';

const axe = createRequire(import.meta.url)('axe-core').source;
const DEADLINE_MS = 60000;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const artefacts = process.env.VB_ARTEFACTS ?? '/tmp/vps-backup-panel';
mkdirSync(artefacts, { recursive: true });

let browser;

export async function openBrowser() {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
}

export const closeBrowser = () => browser.close();

/**
 * Looks again until it is so.
 * @template T
 * @param {() => T | Promise<T>} condition
 * @param {string} what
 * @returns {Promise<T>}
 */
export async function until(condition, what, deadline = DEADLINE_MS) {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${deadline} ms in vain until ${what}`);
    await sleep(25);
  }
}

/** Runs in the page before anything else: what cannot be seen from outside. */
function watch() {
  window.seen = { violations: [], statuses: [], shifts: [], connections: [] };
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    window.seen.violations.push(`${violatedDirective} ${blockedURI}`);
  });
  addEventListener('vps-backup-status', ({ detail: { status } }) => {
    window.seen.statuses.push({ status, at: performance.now() });
  });
  addEventListener('vps-backup-connection', ({ detail: { state } }) => window.seen.connections.push(state));
  new PerformanceObserver((list) => {
    const words = ({ node, previousRect: from, currentRect: to }) => `${node?.outerHTML?.slice(0, 90) ?? node?.nodeName} ${from.x},${from.y} → ${to.x},${to.y}`;
    for (const { value, sources } of list.getEntries()) window.seen.shifts.push(`${value.toFixed(6)}: ${sources.map(words).join('; ')}`);
  }).observe({ type: 'layout-shift', buffered: true });
}

export class Visit {
  problems = [];
  hosts = new Set();
  /** Set while the service is away: a browser tells each failed connection on its console. */
  outage = false;

  /** @param {import('playwright-core').BrowserContextOptions} [options] */
  static async start(options = {}) {
    const visit = new Visit();
    visit.context = await browser.newContext({
      viewport: { width: 1100, height: 760 },
      locale: 'en-US',
      timezoneId: 'Europe/Berlin',
      ...options,
    });
    visit.context.setDefaultTimeout(DEADLINE_MS);
    await visit.context.addInitScript(watch);
    visit.page = await visit.tab();
    return visit;
  }

  /** One more page of the same browser profile. */
  async tab() {
    const page = await this.context.newPage();
    page.on('pageerror', (error) => this.problems.push(`${error.stack}`));
    page.on('console', (message) => this.#console(message));
    page.on('request', (request) => this.hosts.add(new URL(request.url()).host));
    return page;
  }

  #console(message) {
    if (this.outage && /net::ERR_|WebSocket connection to|refuses the connection/.test(message.text())) return;
    this.problems.push(`${message.type()}: ${message.text()}`);
  }

  /** What a hosting panel would link to. @param {string} vps @param {object} [claims] of the token */
  async address(vps, claims = {}) {
    return `${panelUrl}#vps=${vps}&token=${await lab('token', { vps: vps === '*' ? '*' : [vps], ...claims })}`;
  }

  /** @param {string} vps @param {object} [claims] of the token */
  async panel(vps, { view = '', ...claims } = {}) {
    await this.page.goto(await this.address(vps, claims));
    await this.live();
    if (view) await this.go(view);
    return this.page;
  }

  live(page = this.page) {
    return page.locator('vps-backup-overview [part=status][data-state]').waitFor();
  }

  go(view, page = this.page) {
    return page.locator(`nav button[data-view=${view}]`).click();
  }

  status(page = this.page) {
    return page.locator('vps-backup-overview [part=status]').textContent();
  }

  async untilStatus(status, page = this.page) {
    await until(async () => (await this.status(page)) === status, `the page says ${status}`);
  }

  /** The row of a backup. @param {string} name */
  row(name, page = this.page) {
    return page.locator('vps-backup-panel li[part=backup]', { has: page.locator(`strong:text-is("${name}")`) });
  }

  /** What is behind a row's "more" button. @param {string} name of the backup @param {string} action */
  async more(name, action, page = this.page) {
    await page.getByRole('button', { name: `More: ${name}`, exact: true }).click();
    return page.getByRole('menuitem', { name: action });
  }

  async create(name, page = this.page) {
    await page.locator('vps-backup-panel').getByRole('button', { name: 'Create Backup' }).click();
    await page.getByLabel('Name (optional)').fill(name);
    await page.locator('dialog [part=confirm]').click();
    await page.getByRole('dialog', { name: 'Create a backup?' }).waitFor({ state: 'detached' });
    if (name) await this.row(name, page).waitFor();
  }

  /** @param {string} type of its notification */
  toast(type, page = this.page) {
    return page.locator(`[part=toast][data-type=${type}]`).first();
  }

  async untilAvailable(name, page = this.page) {
    await page.locator('vps-backup-panel li[data-state=available]', { has: page.locator(`strong:text-is("${name}")`) }).waitFor();
  }

  /** The page shows what the service says, in every respect. */
  async untilConverged(vps, page = this.page) {
    let shown, told;
    const words = { running: 'Running', stopped: 'Stopped', creating_backup: 'Creating Backup', restoring_backup: 'Restoring Backup' };
    try {
      await until(async () => {
        const state = await lab('state', { vps });
        told = JSON.stringify([words[state.status], `${state.slots.used} / ${state.slots.total}`, state.backups.map(({ id, state: its, damaged }) => [id, damaged ? 'damaged' : its])]);
        shown = JSON.stringify([
          await this.status(page),
          await page.locator('vps-backup-panel [part=counter]').textContent(),
          await page.locator('vps-backup-panel li[part=backup]').evaluateAll((rows) => rows.map(({ dataset }) => [dataset.id, dataset.state])),
        ]);
        return shown === told;
      }, 'the page shows what the service says');
    } catch (error) {
      throw new Error(`${error.message}\nshown: ${shown}\ntold:  ${told}`);
    }
  }

  /** Keeps a picture, and lets axe look at the page. */
  async picture(name, page = this.page) {
    await this.draw(name, page);
    await this.accessible(name, page);
  }

  async draw(name, page = this.page) {
    await settled(page);
    await page.screenshot({ path: join(artefacts, `${name}.png`) });
  }

  async accessible(name, page = this.page) {
    await settled(page);
    if (!(await page.evaluate(() => !!window.axe))) await page.evaluate(`${axe};0`);
    const { violations, passes } = await page.evaluate(async () => {
      const result = await window.axe.run(document, { resultTypes: ['violations'] });
      return {
        passes: result.passes.length,
        violations: result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`)}`),
      };
    });
    assert.deepEqual(violations, [], name);
    assert.ok(passes > 10, `axe has looked at ${name}`);
  }

  /** Ends the visit; nothing may have gone wrong in it. */
  async end() {
    for (const page of this.context.pages()) {
      const violations = await page.evaluate(() => window.seen?.violations ?? []).catch(() => []);
      this.problems.push(...violations.map((violation) => `CSP: ${violation}`));
    }
    await this.context.close();
    assert.deepEqual(this.problems, []);
  }
}

export let panelUrl = '';

/** @param {string} url */
export function setPanelUrl(url) {
  panelUrl = url;
}

/** @param {string} name @param {unknown} values */
export function keep(name, values) {
  writeFileSync(join(artefacts, `${name}.json`), `${JSON.stringify(values, null, 2)}\n`);
}
