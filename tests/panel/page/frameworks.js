// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements in applications of React, Vue and Svelte: everything as properties, whatever is there first.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bundle } from './bundle.js';
import { backup, vps } from './service.js';
import { pages } from './site.js';
import { visiting } from './visit.js';

/** Each defines mount(element, properties, seen) and change(properties). */
const FRAMEWORKS = {
  'React 19': {
    contents: `
      import { StrictMode, useState } from 'react';
      import { createRoot } from 'react-dom/client';
      function One({ element: Element, properties, seen }) {
        const [more, change] = useState({});
        globalThis.change = change;
        return <Element {...properties} {...more} onvps-backup-status={(event) => seen(event.detail.status)} />;
      }
      globalThis.mount = (...[element, properties, seen]) =>
        createRoot(document.querySelector('main')).render(<StrictMode><One {...{ element, properties, seen }} /></StrictMode>);`,
    loader: 'jsx',
  },
  'Vue 3': {
    contents: `
      import { createApp, h, ref } from 'vue';
      globalThis.mount = (element, properties, seen) => {
        const more = ref({});
        globalThis.change = (values) => (more.value = values);
        createApp(() => h(element, { ...properties, ...more.value, onVpsBackupStatus: (event) => seen(event.detail.status) })).mount('main');
      };`,
  },
  'Svelte 5': {
    contents: `
      import { mount } from 'svelte';
      import App from './App.svelte';
      globalThis.mount = (element, properties, seen) => mount(App, { target: document.querySelector('main'), props: { element, properties, seen } });`,
  },
};

const one = vps({ backups: [backup()] });

/** Of each element: its properties, what they have to be as attributes, and what is to be seen then. */
const ELEMENTS = [
  [
    'vps-backup-app',
    { vps: one.vps, view: 'resources', lang: 'en', theme: 'dark', price: 2.5, currency: 'EUR', slotsRequest: true, supportUrl: '/help', serviceWorker: '/w.js', pushUrl: '/{vps}' },
    { vps: one.vps, view: 'resources', lang: 'en', theme: 'dark', price: '2.5', currency: 'EUR', 'slots-request': '', 'support-url': '/help', 'service-worker': '/w.js', 'push-url': '/{vps}' },
    /€2\.50 a month/,
  ],
  ['vps-backup-overview', { vps: one.vps, compact: true }, { vps: one.vps, compact: '' }, /web-01/],
  ['vps-backup-card', { vps: one.vps, kind: 'backups', href: '#there' }, { kind: 'backups', href: '#there' }, /1 \/ 2/],
  ['vps-backup-panel', { vps: one.vps, supportUrl: '/help' }, { vps: one.vps, 'support-url': '/help' }, /Before the update/],
  ['vps-backup-resources', { vps: one.vps, price: 3, currency: 'USD', slotsRequest: false }, { price: '3', currency: 'USD', 'slots-request': null }, /\$3\.00/],
  ['vps-backup-list', { vps: '*' }, { vps: '*' }, /web-01/],
  ['vps-backup-notifications', { vps: one.vps, pushUrl: '/{vps}' }, { 'push-url': '/{vps}' }, /^/],
];

/** All words in all shadow trees. */
const words = (page) =>
  page.evaluate(() => {
    const listen = (node) => [node instanceof Text ? node.data : '', ...[...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].map(listen)].join(' ');
    return listen(document.querySelector('main'));
  });

const MODULE = '<script type="module" src="/panel/vps-backup.js"></script>';

for (const [framework, stdin] of Object.entries(FRAMEWORKS))
  for (const first of ['the elements', 'the application'])
    test(`${framework}, ${first} first: every attribute is a property that reflects; events and getToken; one connection`, async () => {
      const early = first === 'the application';
      const code = await bundle({ stdin });
      for (const [element, properties, attributes, seen] of ELEMENTS)
        await visiting({ all: [structuredClone(one)] }, async (visit) => {
          pages.set('/application.js', code);
          pages.set('/token', 'T');
          const scripts = ['<script type="module" src="/application.js"></script>', MODULE];
          const page = await visit.own(`<body><main></main>${early ? scripts[0] : scripts.reverse().join('')}`);
          if (!early) await page.evaluate((name) => customElements.whenDefined(name).then(() => {}), element);
          await page.evaluate(
            ([name, its, early]) => {
              globalThis.statuses = [];
              globalThis.asked = 0;
              const getToken = () => (globalThis.asked++, 'T');
              const source = early ? { tokenUrl: '/token' } : { getToken };
              globalThis.mount(name, { endpoint: '/', ...source, ...its }, (status) => globalThis.statuses.push(status));
            },
            [element, properties, early],
          );
          if (early) {
            await page.locator(element).waitFor({ state: 'attached' });
            await page.addScriptTag({ type: 'module', url: '/panel/vps-backup.js' });
          }
          await page.waitForFunction(([name, wanted]) => {
            const its = document.querySelector(name);
            // Before the elements are there, a flag is a word.
            const flag = (value) => (value === 'true' ? '' : value === 'false' ? null : value);
            return its && Object.entries(wanted).every(([attribute, value]) => flag(its.getAttribute(attribute)) === value);
          }, [element, attributes]);
          for (let tries = 0; !seen.test(await words(page)); tries++) {
            assert.ok(tries < 200, `${element}: ${await words(page)}`);
            await page.waitForTimeout(25);
          }
          // A function cannot wait in an attribute: without the elements' module, a token's source has to be an address.
          if (!early) assert.ok(await page.evaluate(() => globalThis.asked > 0));
          if (element === 'vps-backup-overview') assert.deepEqual(await page.evaluate(() => globalThis.statuses), ['running']);
          // Another value later, and none any more.
          await page.evaluate(() => globalThis.change({ theme: 'light', lang: 'de' }));
          await page.waitForFunction((name) => document.querySelector(name).matches('[theme=light][lang=de]'), element);
          await page.evaluate(() => globalThis.change({ theme: null, lang: 'en' }));
          await page.waitForFunction((name) => document.querySelector(name).getAttribute('theme') !== 'light', element);
          assert.equal(visit.service.opened, 1, `${element}: one connection`);
        });
    });

test('every attribute of every element is a property: set, read, removed', async () => {
  await visiting({ all: [structuredClone(one)] }, async (visit) => {
    const page = await visit.own(`<body><main></main>${MODULE}`);
    const wrong = await page.evaluate(async () => {
      const found = [];
      for (const short of ['app', 'overview', 'card', 'panel', 'resources', 'list', 'notifications']) {
        const name = `vps-backup-${short}`;
        await customElements.whenDefined(name);
        const element = document.createElement(name);
        for (const attribute of ['theme', ...customElements.get(name).observedAttributes]) {
          const property = attribute.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
          const flag = typeof element[property] === 'boolean';
          const value = flag ? true : attribute === 'lang' ? 'en' : attribute === 'view' ? 'backups' : 'x';
          element[property] = value;
          if (element[property] !== value || element.getAttribute(attribute) !== (flag ? '' : value)) found.push(`${name} ${property} is not reflected`);
          if (attribute === 'lang') continue;
          element[property] = flag ? false : null;
          if (element.hasAttribute(attribute)) found.push(`${name} ${property} stays`);
        }
      }
      return found;
    });
    assert.deepEqual(wrong, []);
  });
});
