import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'
import { writePublished } from '#ambassador/prices/published-prices.ts'
import { writeTable } from '#shared/tokens/vocabulary/find-table.ts'
import { tableNames } from '#shared/tokens/vocabulary/table.ts'
import { processes, processNames } from '../processes.ts'

export const root = resolve(import.meta.dirname, '..', '..', '..')

/**
 * Vocabularies and prices as packages publish them: not bundled, since the tables beside the code
 * are made from them, so the image has their data all the same.
 */
export const dataPackages: readonly string[] = ['js-tiktoken', '@pydantic/genai-prices']

/**
 * CommonJS packages call `require` for Node's own modules, which an ES module does not have.
 * Under another name, since a bundled package may declare `createRequire` itself.
 */
const banner = `import { createRequire as requireOf } from 'node:module'
const require = requireOf(import.meta.url)`

/**
 * undici's index loads fetch, WebSocket, caches and mocks beside the two things that are used here: 40 ms
 * of each sidecar's start, and more than half of its code.
 */
const undiciClientOnly: Plugin = {
  name: 'undici-client-only',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'client-only' }))
    onLoad({ filter: /.*/, namespace: 'client-only' }, () => ({
      contents: [
        "exports.Client = require('undici/lib/dispatcher/client.js')",
        "exports.buildConnector = require('undici/lib/core/connect.js')",
      ].join('\n'),
      resolveDir: root,
    }))
  },
}

/**
 * Bundles every process with all it needs into `outdir`: one entry each, chunks that are loaded
 * only when asked for, and tables of tokens and prices. Gives what esbuild says of each output.
 *
 * `maps` leaves source maps beside the code. They name sources by their way from `outdir`, and
 * chunks are named by their hash: without them the same sources give the same files anywhere.
 */
export async function bundle(
  outdir: string,
  maps: 'maps' | 'no-maps',
): Promise<Metafile['outputs']> {
  // Chunks carry a hash in their name: those of an earlier build would stay.
  for (const folder of [...processNames, 'chunks']) {
    rmSync(resolve(outdir, folder), { recursive: true, force: true })
  }
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [
      ...processNames.map((name) => ({ in: processes[name].entry, out: `${name}/main` })),
      // Those of threads: found beside the vocabularies.
      { in: 'shared/tokens/hugging-face/compile-worker.ts', out: 'tokens/compile-worker' },
      { in: 'ambassador/pool/tokens/encode-worker.ts', out: 'tokens/encode-worker' },
    ],
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    sourcemap: maps === 'maps' ? 'linked' : false,
    // Not the names: a stack trace shows functions as they are written.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [undiciClientOnly],
    // Vocabularies as text, 2 MB each: the tables beside the halves are made from them.
    external: ['js-tiktoken/*', '@pydantic/genai-prices'],
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  })
  for (const name of tableNames) await writeTable(name, resolve(outdir, 'tokens'))
  await writePublished(resolve(outdir, 'prices'))
  return metafile.outputs
}
