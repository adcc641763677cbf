// SPDX-License-Identifier: LGPL-2.1-or-later
/** Whatever slides in or changes its colour has arrived: pictures are for people, and axe judges colours. @param {import('playwright-core').Page} page */
export async function settled(page) {
  await page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const trees = (root) => [root, ...[...root.querySelectorAll('*')].flatMap(({ shadowRoot: its }) => (its ? trees(its) : []))];
    await Promise.allSettled(trees(document).flatMap((root) => root.getAnimations()).filter((one) => one.effect.getComputedTiming().endTime < Infinity).map((one) => one.finished));
  });
}
