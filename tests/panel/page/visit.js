// SPDX-License-Identifier: LGPL-2.1-or-later
// A page in the distribution's Chromium with a service in the hands of the test; what the page complains about fails the test.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

import { Service } from './service.js';
import { closeSite, openSite, pages } from './site.js';
import { settled } from '../settled.js';

const axe = createRequire(import.meta.url)('axe-core').source;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update'];

export const artefacts = process.env.VB_ARTEFACTS ?? '/tmp/vps-backup-page';
mkdirSync(artefacts, { recursive: true });

let browser;
export let site = '';

export async function open() {
  site = await openSite();
  pages.set('/axe.js', axe);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
}

export async function close() {
  await browser.close();
  closeSite();
}

export class Visit {
  problems = [];

  /** @param {Service} service @param {import('playwright-core').BrowserContextOptions} [options] */
  static async start(service, options = {}) {
    const visit = new Visit();
    visit.service = service;
    visit.context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', timezoneId: 'Europe/Berlin', ...options });
    visit.context.setDefaultTimeout(30000);
    visit.page = await visit.context.newPage();
    visit.page.on('pageerror', (error) => visit.problems.push(`${error.stack}`));
    visit.page.on('console', (message) => visit.problems.push(`${message.type()}: ${message.text()}`));
    await service.attach(visit.page);
    return visit;
  }

  /** The panel's own page, at a view. */
  async panel(view = '', fragment = '') {
    const [{ vps }] = this.service.all;
    const target = this.service.all.length > 1 ? '*' : vps;
    await this.page.goto(`${site}/panel/#vps=${target}&token=T&view=${view}${fragment}`);
    return this.page;
  }

  /** A page of the test's own. @param {string} html of its body, and what else it needs */
  async own(html, path = '/own') {
    pages.set(path, `<!doctype html><html lang="en"><meta charset="utf-8"><title>Own</title><link rel="icon" href="/panel/icon.svg">${html}`);
    await this.page.goto(site + path);
    return this.page;
  }

  row(name) {
    return this.page.locator('vps-backup-panel li[part=backup]', { has: this.page.locator(`strong:text-is("${name}")`) });
  }

  async picture(name) {
    await settled(this.page);
    await this.page.screenshot({ path: join(artefacts, `${name}.png`) });
  }

  /** @param {string} name of what axe looks at @param {string[]} [rules] only these of it */
  async accessible(name, rules) {
    await settled(this.page);
    if (!(await this.page.evaluate(() => !!window.axe))) await this.page.addScriptTag({ url: `${site}/axe.js` });
    const violations = await this.page.evaluate(async (values) => {
      const result = await window.axe.run(document, { resultTypes: ['violations'], ...(values && { runOnly: { type: 'rule', values } }) });
      return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`)}`);
    }, rules);
    assert.deepEqual(violations, [], name);
  }

  async end() {
    await this.context.close();
    assert.deepEqual(this.problems, []);
  }
}

/**
 * One test's visit, from start to end.
 * @param {ConstructorParameters<typeof Service>[0]} state
 * @param {(visit: Visit) => Promise<void>} run
 */
export async function visiting(state, run, options = {}) {
  const visit = await Visit.start(new Service(state), options);
  try {
    await run(visit);
  } catch (error) {
    await visit.picture('when-it-failed').catch(() => {});
    console.log(visit.problems.join('\n'));
    await visit.context.close();
    throw error;
  }
  await visit.end();
}
