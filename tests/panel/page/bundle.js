// SPDX-License-Identifier: LGPL-2.1-or-later
// What an application of somebody else is made into before it is served: JSX, Vue and Svelte through esbuild.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compile } from 'svelte/compiler';

const here = fileURLToPath(new URL('.', import.meta.url));
const modules = fileURLToPath(new URL('../node_modules', import.meta.url));

const svelte = {
  name: 'svelte',
  setup(its) {
    its.onLoad({ filter: /\.svelte$/ }, async ({ path }) => ({
      contents: compile(await readFile(path, 'utf8'), { filename: path, css: 'injected' }).js.code,
    }));
  },
};

/** @param {object} from `entryPoints`, or `stdin` with the text */
export async function bundle(from) {
  const { outputFiles } = await build({
    ...from,
    ...(from.stdin && { stdin: { resolveDir: here, ...from.stdin } }),
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['browser', 'production'],
    jsx: 'automatic',
    nodePaths: [modules],
    define: { 'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
    plugins: [svelte],
    logLevel: 'error',
  });
  return outputFiles[0].text;
}
