// SPDX-License-Identifier: LGPL-2.1-or-later
// A question before something happens. The native dialog keeps the focus and gives it back.

import { css } from '../theme.js';
import { button, h, set, text } from '../dom.js';
import { ConnectionLost } from '../transport.js';
import { errorWords } from '../words.js';
import { t } from '../i18n.js';

/** Of a form, wherever it stands. */
export const fields = css`
:is(input:not([type=checkbox]), select) { font-weight: 400; width: 100%; min-width: 0; min-height: 2.375rem; padding: .375rem .75rem; border: 1px solid color-mix(in srgb, var(--border), var(--text) 30%); border-radius: var(--inner); background: var(--surface) }
input::placeholder { color: var(--muted); opacity: 1 }
`;

const sheet = css`
button.danger { background: var(--red); border-color: transparent; color: light-dark(#fff, #2b0a0a) }
@media (hover: hover) { button.danger:not([aria-disabled=true]):hover { background: color-mix(in srgb, var(--red), var(--text) 16%) } }
dialog { width: min(28rem, calc(100vw - 2rem)); max-height: calc(100dvh - 2rem); margin: auto; padding: 1.5rem; border: 0; border-radius: calc(var(--radius) * 1.25); background: var(--surface); color: inherit; box-shadow: var(--raised) }
dialog[open] { animation: rise .18s ease-out }
dialog::backdrop { background: #0b0f1880 }
dialog form { display: grid; gap: 1rem }
dialog p { text-wrap: pretty }
dialog p + p { margin-block-start: .625rem }
dialog .actions { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: .5rem; margin-block-start: .5rem }
dialog .actions .other { margin-inline-end: auto }
dialog .callout { display: flex; gap: .625rem; padding: .625rem .875rem; border-radius: var(--inner); --tone: var(--red); background: color-mix(in srgb, var(--tone) 9%, var(--surface)); border: 1px solid color-mix(in srgb, var(--tone) 30%, var(--surface)) }
dialog .callout.mild { --tone: var(--blue) }
dialog .callout .icon { color: var(--tone); margin-block-start: .125rem }
dialog .callout strong { color: var(--tone) }
dialog .journey { display: grid; grid-template-columns: minmax(0, 1fr) auto minmax(0, 1fr); align-items: start; gap: .75rem; padding: .75rem 1rem; border-radius: var(--inner); background: var(--sunken) }
dialog .journey > span { display: grid }
dialog .journey > .icon { color: var(--muted); align-self: center }
[aria-invalid] { border-color: var(--red) !important }
dialog label { display: grid; gap: .375rem; font-weight: 550 }
dialog label.check { grid-template-columns: auto 1fr; gap: .625rem; font-weight: 400; align-items: start }
dialog input[type=checkbox] { width: 1.125rem; height: 1.125rem; margin: .125rem 0 0; accent-color: var(--accent) }
`;

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {(string | Node)[]} body paragraphs and fields
 * @property {string} confirm what the button says that does it
 * @property {string} [dismiss] what the other one says, where "Cancel" could mean either
 * @property {boolean} [danger] something is lost by it: the focus starts on Cancel
 * @property {{label: string, act: () => Promise<unknown>}} [other] something else that can be done here, at the side
 * @property {(form: FormData) => Record<string, string>} [check] what is wrong with which field
 * @property {(form: FormData) => Promise<unknown>} act closes the dialog once it has succeeded
 */

let questions = 0;

/** @param {ShadowRoot} root @param {CSSStyleSheet} its */
export function adopt(root, its) {
  if (!root.adoptedStyleSheets.includes(its)) root.adoptedStyleSheets.push(its);
}

/**
 * @param {ShadowRoot} root
 * @param {Question} question
 */
export function ask(root, { title, body, confirm, dismiss, danger = false, other, check, act }) {
  adopt(root, sheet);
  adopt(root, fields);
  const id = `question-${++questions}`;
  const failure = h('p', { class: 'error', role: 'alert' });
  const doIt = h('button', { type: 'submit', class: danger ? 'danger' : 'primary', part: 'confirm' }, confirm);
  const cancel = button({ part: 'cancel', autofocus: danger }, () => dialog.close(), dismiss ?? t('Cancel'));
  const paragraphs = body.map((part) => (typeof part === 'string' ? h('p', {}, part) : part));
  const form = h(
    'form',
    { method: 'dialog', novalidate: true },
    h('h2', { id: `${id}-title` }, title),
    h('div', { id: `${id}-text` }, ...paragraphs.filter((node) => node instanceof HTMLParagraphElement)),
    ...paragraphs.filter((node) => !(node instanceof HTMLParagraphElement)),
    failure,
    h('div', { class: 'actions' }, other ? button({ part: 'other', class: 'other' }, () => run(other.act), other.label) : null, cancel, doIt),
  );
  const dialog = h('dialog', { part: 'dialog', 'aria-labelledby': `${id}-title`, 'aria-describedby': `${id}-text` }, form);
  let busy = false;

  /** @param {() => Promise<unknown>} what */
  const run = async (what) => {
    if (busy) return;
    busy = true;
    text(failure, '');
    set(doIt, { 'aria-busy': 'true', 'aria-disabled': 'true' });
    try {
      await what();
      dialog.close();
    } catch (error) {
      text(failure, errorWords(error));
      // Nobody knows whether it has begun: doing it again could do it twice.
      if (error instanceof ConnectionLost) doIt.remove();
      else set(doIt, { 'aria-busy': null, 'aria-disabled': null });
    }
    busy = false;
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const filled = new FormData(form);
    if (mark(form, check?.(filled) ?? {})) run(() => act(filled));
  });
  dialog.addEventListener('close', () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
}

/** Says at each field what is wrong with it, and goes to the first. @param {HTMLFormElement} form @param {Record<string, string>} wrong @returns {boolean} nothing is */
function mark(form, wrong) {
  for (const field of form.elements) {
    const place = field.parentElement?.querySelector(`#wrong-${field.getAttribute('name')}`);
    if (!place) continue;
    const words = wrong[field.getAttribute('name') ?? ''] ?? '';
    text(place, words);
    set(field, { 'aria-invalid': words ? 'true' : null });
  }
  /** @type {HTMLElement | null} */ (form.querySelector('[aria-invalid]'))?.focus();
  return !Object.keys(wrong).length;
}

/** @param {string} name @param {string} label @param {string} hint */
export const checkbox = (name, label, hint) =>
  h(
    'label',
    { class: 'check' },
    h('input', { type: 'checkbox', name }),
    h('span', {}, label, h('br'), h('span', { class: 'muted small' }, hint)),
  );
