// SPDX-License-Identifier: LGPL-2.1-or-later
// What all elements look like. Constructed style sheets need no inline style, so a strict policy lets them pass.

/** name, light, dark, and the name that a page sets it by, if that differs */
const COLOURS = `
surface #fff #171b22
sunken #f3f4f7 #20262f
border #e2e5eb #2c333f
text #161a22 #e9ecf2
muted #566073 #a3acbb
accent #3646c6 #9aa9ff
on-accent #fff #11152c
green #12703b #63d493
amber #925208 #f2b84e
blue #1c5bc9 #84b3ff
red #b42323 #ff9090
green-fill #1f9d57 #63d493 green
amber-fill #e08a0b #f2b84e amber`;

const colours = COLOURS.trim()
  .split('\n')
  .map((line) => line.split(' '))
  .map(([name, light, dark, page = name]) => `--${name}:var(--vps-backup-${page},light-dark(${light},${dark}));`);

/** @param {TemplateStringsArray} strings @param {...string} values */
export function css(strings, ...values) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(String.raw(strings, ...values));
  return sheet;
}

export const theme = css`
:host {
  ${colours.join('')}
  --radius: var(--vps-backup-radius, .75rem);
  --inner: calc(var(--radius) * .6667);
  --faint: color-mix(in srgb, var(--muted), var(--surface) 35%);
  --shadow: 0 1px 2px light-dark(#1018281a, #0006);
  --raised: 0 0 0 1px var(--border), 0 12px 32px -8px light-dark(#10182838, #000a);
  display: block;
  color: var(--text);
  font-family: var(--vps-backup-font, inherit);
  font-size: var(--vps-backup-font-size, .9375rem);
  line-height: 1.5;
  text-align: start;
  -webkit-text-size-adjust: 100%;
}
:host([theme=light]) { color-scheme: light }
:host([theme=dark]) { color-scheme: dark }
:host([hidden]), [hidden] { display: none !important }
*, ::before, ::after { box-sizing: border-box }
h2, h3, p, ul, dl, dd { margin: 0; padding: 0 }
ul { list-style: none }
h2, h3 { font-size: 1.2em; font-weight: 650; line-height: 1.3; letter-spacing: -.012em; text-wrap: balance }
h3 { font-size: 1em; letter-spacing: 0 }
:focus { outline: none }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.muted { color: var(--muted) }
.small { font-size: .8667em }
.numbers { font-variant-numeric: tabular-nums }
.name { overflow-wrap: anywhere }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.box { background: var(--surface); border: 1px solid var(--border); border-radius: var(--radius); box-shadow: var(--shadow) }
.row { display: flex; align-items: center; gap: .5rem }
.grow { flex: 1; min-width: 0 }

.icon { width: 1.25rem; height: 1.25rem; flex: none; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round }
:dir(rtl) > .icon:is([data-icon=chevron], [data-icon=play]) { transform: scaleX(-1) }
button, input, select { font: inherit; color: inherit }
button { display: inline-flex; align-items: center; justify-content: center; gap: .5rem; min-height: 2.375rem; padding: .375rem .875rem; border: 1px solid var(--border); border-radius: var(--inner); background: var(--surface); box-shadow: var(--shadow); font-weight: 550; white-space: nowrap; cursor: pointer; -webkit-tap-highlight-color: transparent; transition: background-color .12s, border-color .12s, color .12s }
button .icon { width: 1.125rem; height: 1.125rem }
button.primary { background: var(--accent); border-color: transparent; color: var(--on-accent) }
button[aria-disabled=true]:not(.icon-button) { cursor: not-allowed; color: var(--faint); background: var(--sunken); border-color: var(--border); box-shadow: none }
button.icon-button { width: 2.375rem; padding: 0; border-color: transparent; background: none; box-shadow: none; color: var(--muted) }
button.icon-button[aria-disabled=true] { cursor: not-allowed; opacity: .45 }
button.link, a { color: var(--accent); font-weight: 550; text-decoration: underline; text-decoration-color: color-mix(in srgb, currentColor, transparent 60%); text-underline-offset: .2em }
button.link { display: inline; min-height: 0; padding: 0; border: 0; background: none !important; box-shadow: none; white-space: normal }
button[aria-busy=true] { position: relative; cursor: progress; color: transparent !important }
button[aria-busy=true]::before { content: ''; position: absolute; inset: 0; margin: auto; width: 1em; height: 1em; border: 2px solid var(--muted); border-inline-end-color: transparent; border-radius: 50%; animation: turn .8s linear infinite }
.error { color: var(--red); font-weight: 550 }
.error:empty { display: none }

.state { display: inline-flex; align-items: center; gap: .5rem; font-weight: 550; white-space: nowrap; --tone: var(--muted); --fill: var(--tone); color: var(--tone) }
.state::before { content: ''; width: .5rem; height: .5rem; border-radius: 50%; background: var(--fill); flex: none }
.state:is([data-state=running], [data-state=available], [data-state=completed]) { --tone: var(--green); --fill: var(--green-fill) }
.state:is([data-state^=creating], [data-state=queued], [data-state=paused]) { --tone: var(--amber); --fill: var(--amber-fill) }
.state[data-state^=restoring] { --tone: var(--blue) }
.state:is([data-state=crashed], [data-state=damaged], [data-state=failed]) { --tone: var(--red) }
.state:is([data-state^=creating], [data-state^=restoring], [data-state=queued])::before { animation: pulse 1.6s ease-out infinite }

.notice { display: flex; gap: .75rem; padding: .75rem 1rem; border-radius: var(--radius); --tone: var(--red); background: color-mix(in srgb, var(--tone) 9%, var(--surface)); border: 1px solid color-mix(in srgb, var(--tone) 30%, var(--surface)) }
.notice > .icon { color: var(--tone); margin-block-start: .1rem }
.notice.amber { --tone: var(--amber) }
.notice p { font-size: .9333em }
.notice .icon-button { margin-block: -.375rem auto; margin-inline-end: -.5rem }
.notice .actions { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; margin-block-start: .375rem; font-size: .9333em }
.loading { color: transparent !important; border-radius: .375rem; background: var(--sunken); user-select: none }
.loading > * { visibility: hidden }
.tint { color: var(--tone); background: color-mix(in srgb, var(--tone) 12%, var(--surface)) }

@keyframes pulse { from { box-shadow: 0 0 0 0 color-mix(in srgb, var(--fill), transparent 35%) } 75%, to { box-shadow: 0 0 0 .5rem transparent } }
@keyframes turn { to { rotate: 1turn } }
@keyframes fade { to { opacity: 0 } }
@keyframes rise { from { opacity: 0; translate: 0 .5rem } }
/* A finger leaves no pointer behind: what it has tapped must not keep its hover. */
@media (hover: hover) {
  button:not([aria-disabled=true]):hover { background: var(--sunken); border-color: color-mix(in srgb, var(--border), var(--text) 14%) }
  button.primary:not([aria-disabled=true]):hover { background: color-mix(in srgb, var(--accent), var(--text) 16%) }
  button.icon-button:not([aria-disabled=true]):hover { background: var(--sunken); color: var(--text) }
  button.link:hover { text-decoration-color: currentColor }
}
@media (pointer: coarse) { button:not(.link), button.icon-button { min-height: 2.75rem; min-width: 2.75rem } }
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation-duration: .01s !important; animation-iteration-count: 1 !important; transition: none !important } }
@media (forced-colors: active) {
  .state::before { background: CanvasText }
  button { border-color: ButtonBorder !important }
  button[aria-disabled=true] { color: GrayText !important; border-color: GrayText !important; opacity: 1 !important }
  button.primary:not([aria-disabled=true]) { forced-color-adjust: none; background: Highlight; color: HighlightText }
}
`;
