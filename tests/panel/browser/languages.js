// SPDX-License-Identifier: LGPL-2.1-or-later
// In the reader's language: words, dates, sizes, and the direction of it all.

import assert from 'node:assert/strict';

import { lab } from './lab.js';
import { until } from './visit.js';

/** Everything that the app says, in all its shadow trees: to eyes and to readers' programs. */
const everything = (page) =>
  page.locator('vps-backup-app').evaluate((app) => {
    const said = [];
    const listen = (node) => {
      if (node instanceof Text && node.data.trim()) said.push(node.data);
      for (const name of ['aria-label', 'title', 'placeholder']) if (node.getAttribute?.(name)) said.push(node.getAttribute(name));
      for (const child of [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]) listen(child);
    };
    listen(app);
    return said;
  });

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const speaks = (page, language) => until(() => page.evaluate((its) => document.documentElement.lang === its, language), `the page speaks ${language}`);

/** How long ago something was goes on while one looks. */
const ageless = (words) => words.filter((word) => !/^(jetzt|maintenant|now|vor \d.*|il y a \d.*|\d+ .* ago)$/.test(word));

/** Without a word of English: what a visit's create() does. */
async function create(visit, name) {
  const { page } = visit;
  await page.locator('vps-backup-panel button[part^=create]:visible').click();
  await page.locator('dialog input[name=name]').fill(name);
  await page.locator('dialog [part=confirm]').click();
  await visit.untilAvailable(name);
}

/** @type {import('./all.js').Test[]} */
export const languages = [
  [
    'German: words, dates and sizes; another language while the page is open leaves no word behind',
    { locale: 'de-DE', timezoneId: 'Asia/Tokyo' },
    async (visit, { web }) => {
      const { page } = visit;
      await visit.panel(web);
      assert.equal(await visit.status(), 'Läuft');
      assert.equal(await page.locator('html').getAttribute('lang'), 'de');
      await visit.go('backups');
      await create(visit, 'datiert');
      await visit.toast('backup_completed').getByText('„datiert“ ist fertig.').waitFor();
      const [{ created_at: created }] = (await lab('state', { vps: web })).backups;
      const expected = new Intl.DateTimeFormat('de-DE', { dateStyle: 'full', timeStyle: 'long', timeZone: 'Asia/Tokyo' }).format(new Date(created));
      const time = visit.row('datiert').locator('time');
      assert.equal(await time.getAttribute('title'), expected);
      assert.match(await time.textContent(), /^(jetzt|vor \d+ Minuten?)$/);
      assert.match(await visit.row('datiert').locator('[part=backup-facts]').textContent(), /^\d+,\d\sMB · /);
      assert.equal(await visit.row('datiert').locator('time').getAttribute('datetime'), created);
      await page.getByRole('button', { name: 'Wiederherstellen: datiert' }).click();
      await visit.picture('de-restore-dialog');
      await page.keyboard.press('Escape');
      await visit.toast('backup_completed').locator('[part=dismiss]').click();
      await visit.picture('de-backups');

      const wide = page.viewportSize();
      await page.setViewportSize({ width: 320, height: 568 });
      for (const view of ['overview', 'resources', 'backups']) {
        await visit.go(view);
        assert.ok((await overflow(page)) <= 0, `${view}: longer words stick out nowhere`);
      }
      await visit.picture('de-320-backups');
      await page.setViewportSize(wide);

      const german = await everything(page);
      const app = page.locator('vps-backup-app');
      const say = async (language) => {
        await app.evaluate((element, its) => element.setAttribute('lang', its), language);
        await speaks(page, language);
        return everything(page);
      };
      const switched = { fr: await say('fr'), en: await say('en'), de: await say('de') };
      assert.deepEqual(ageless(switched.de), ageless(german));
      const catalogue = await page.evaluate(() => fetch('locale/de.json').then((answer) => answer.json()));
      const left = switched.en.filter((word) => Object.entries(catalogue).some(([english, its]) => its === word && its !== english));
      assert.deepEqual(left, []);
      // The address is what a hosting panel links to; a new page has never heard of another language.
      await page.goto('about:blank');
      await page.goto(`${await visit.address(web)}&lang=fr`);
      await visit.live();
      await speaks(page, 'fr');
      for (const view of ['resources', 'backups']) await visit.go(view); // what nobody has looked at yet is not there
      await visit.row('datiert').waitFor();
      const fresh = await everything(page);
      // What has been announced is over, and stays as it was.
      assert.deepEqual(ageless(switched.fr).filter((word) => !fresh.includes(word) && !/datiert|^web-01: /.test(word)), []);
    },
  ],
  [
    'Arabic: from right to left as a whole, nothing sticks out, “1 / 2” keeps its order',
    { locale: 'ar' },
    async (visit, { web }) => {
      const { page } = visit;
      await visit.panel(web, { view: 'backups' });
      assert.deepEqual(await page.locator('html').evaluate(({ lang, dir }) => [lang, dir]), ['ar', 'rtl']);
      const box = async (selector) => page.locator(selector).first().boundingBox();
      const width = page.viewportSize().width;
      await create(visit, 'web-01 (nightly)');
      const [title, button] = [await box('vps-backup-panel h2'), await box('vps-backup-panel [part=create]')];
      assert.ok(button.x + button.width < title.x, 'the button stands left of the title');
      assert.ok((await overflow(page)) <= 0);
      await visit.picture('ar-backups');
      await page.locator('vps-backup-panel [part~=restore]').click();
      await visit.picture('ar-restore-dialog');
      await page.keyboard.press('Escape');
      await visit.go('overview');
      const counter = page.locator('vps-backup-summary [part=counter]');
      const [used, slots] = await counter.evaluate((element) =>
        [0, element.textContent.length - 1].map((place) => {
          const range = document.createRange();
          range.setStart(element.firstChild, place);
          range.setEnd(element.firstChild, place + 1);
          return range.getBoundingClientRect().x;
        }),
      );
      assert.ok(used < slots, '“1 / 2” does not become “2 / 1”');
      const [word, shown] = [await page.locator('vps-backup-summary [part=card-open]').boundingBox(), await counter.boundingBox()];
      assert.ok(shown.x < word.x, 'it stands left of the word');
      await visit.picture('ar-overview');
      await page.locator('vps-backup-notifications [part=bell]').click();
      const list = await box('[part=notifications]');
      assert.ok(list.x >= 0 && list.x + list.width <= width);
      assert.doesNotMatch((await everything(page)).join('\n').replaceAll(/\u2068[^\u2069]*\u2069|web-01 \(nightly\)/g, ''), /[A-Za-z]{4}/, 'no word of English');
      await visit.picture('ar-notifications');
    },
  ],
];
