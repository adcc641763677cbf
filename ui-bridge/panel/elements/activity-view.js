// SPDX-License-Identifier: LGPL-2.1-or-later
// What has happened to a VPS: its latest operations, and how they ended. Loaded when it is first shown.

/** @import { Operation, Vps } from '../types' */
/** @import { LazyElement } from './lazy.js' */

import { h, icon, keyed, set, setIcon, text } from '../dom.js';
import { css } from '../theme.js';
import { ago, fullDate, percent, span } from '../format.js';
import { operationOutcome, reasonWords } from '../words.js';
import { line, t } from '../i18n.js';

/** @typedef {{operation: Operation, name: string, by: string}} Shown */

/** @param {string | undefined} author @param {string | undefined} reader the subjects of both */
function byWhom(author, reader) {
  if (!author) return '';
  if (author === reader) return t('by you');
  if (author === 'operator') return t('by the operator');
  return author === 'schedule' ? t('by the schedule') : t('by {name}', { name: author });
}

const sheet = css`
section { padding: 1.25rem 0 .5rem; height: 100% }
h3 { display: flex; align-items: center; gap: .625rem; padding-inline: 1.25rem; margin-block-end: .5rem; font-size: 1.0667em }
h3 .icon { color: var(--accent) }
li { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 .75rem; padding: .5rem 1.25rem }
.mark { display: grid; place-items: center; width: 1.75rem; height: 1.75rem; border-radius: 50%; --tone: var(--muted) }
.mark .icon { width: 1rem; height: 1rem }
.mark[data-tone=green] { --tone: var(--green) } .mark[data-tone=red] { --tone: var(--red) } .mark[data-tone=amber] { --tone: var(--amber) } .mark[data-tone=blue] { --tone: var(--blue) }
strong { font-weight: 550 }
.name { overflow: hidden; text-overflow: ellipsis }
.none { padding: .5rem 1.25rem 1rem }
@container (inline-size < 30rem) { section { padding-block-start: 1rem } h3, li, .none { padding-inline: 1rem } }
`;

class Item {
  #icon = icon('check');
  #mark = h('span', { class: 'mark tint' }, this.#icon);
  #title = h('strong', { class: 'numbers' });
  #time = h('time', { class: 'muted small' });
  #detail = h('span', { class: 'muted small' });
  element = h('li', { part: 'activity' }, this.#mark, h('div', { class: 'name' }, this.#title, h('br'), this.#detail, this.#time));

  /** @param {Shown} shown */
  update({ operation, name, by }) {
    const { title, tone, icon: its } = operationOutcome(operation);
    const { started_at: started, ended_at: ended, error, state } = operation;
    set(this.#mark, { 'data-tone': tone });
    setIcon(this.#icon, its);
    text(this.#title, ended ? title : t('{state} {percent}', { state: title, percent: percent(operation.progress) }));
    const seconds = ended ? (Date.parse(ended) - Date.parse(started)) / 1000 : 0;
    const facts = [name, by, state === 'failed' ? reasonWords(error?.reason) : ended && state === 'completed' && seconds >= 60 ? t('took {duration}', { duration: span(seconds) }) : ''];
    text(this.#detail, line([...facts.filter(Boolean), '']));
    const when = ended ?? started;
    text(this.#time, ago(when));
    set(this.#time, { datetime: when, title: fullDate(when) });
  }
}

export class View {
  #host;
  #list = h('ul', { 'aria-labelledby': 'activity' });
  #none = h('p', { class: 'none muted' }, t('Nothing has happened yet.'));
  #title = h('h3', { id: 'activity', tabindex: -1 }, icon('list'), t('Recent activity'));
  /** @type {Map<string | number, Item>} */
  #rows = new Map();

  /** @param {LazyElement} host */
  constructor(host) {
    this.#host = host;
    host.root.adoptedStyleSheets.push(sheet);
    host.root.append(h('section', { class: 'box', part: 'activities' }, this.#title, this.#none, this.#list));
  }

  focus() {
    this.#title.focus();
  }

  update() {
    const { store, data, vps } = this.#host;
    const known = store?.state.operations.get(vps) ?? [];
    const shown = this.#merged(known, data).slice(0, Number(this.#host.getAttribute('limit')) || 5);
    this.#none.hidden = shown.length > 0 || !data;
    keyed(this.#list, this.#rows, shown, ({ operation }) => operation.id, () => new Item());
  }

  /** What runs now is known better than by the list. @param {Operation[]} known @param {Vps | undefined} data @returns {Shown[]} */
  #merged(known, data) {
    const running = data?.operation;
    const all = [...(running ? [running] : []), ...known.filter(({ id, ended_at: ended }) => id !== running?.id && ended)];
    /** @type {Map<string | null, string | null>} */
    const names = new Map(this.#host.store?.state.notifications.map(({ backup, backup_name: name }) => [backup, name]));
    for (const { id, name } of data?.backups ?? []) names.set(id, name);
    const { authors, info } = this.#host.store?.state ?? {};
    return all.map((operation) => ({ operation, name: names.get(operation.backup) ?? '', by: byWhom(authors?.get(operation.id), info?.subject) }));
  }
}
