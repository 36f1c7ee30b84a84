import { rmSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build, type Metafile, type Plugin } from 'esbuild'
import { writePublished } from '#ambassador/prices/published-prices.ts'
import { writeTable } from '#shared/tokens/vocabulary/find-table.ts'
import { tableNames } from '#shared/tokens/vocabulary/table.ts'

const root = resolve(import.meta.dirname, '..', '..')

/**
 * CommonJS packages call `require` for Node's own modules, which an ES module does not have.
 * Under another name, since a bundled package may declare `createRequire` itself.
 */
const banner = `import { createRequire as requireOf } from 'node:module'
const require = requireOf(import.meta.url)`

/**
 * undici's index loads fetch, WebSocket, caches and mocks beside the one class that is used here: 40 ms
 * of each sidecar's start, and more than half of its code.
 */
const undiciPoolOnly: Plugin = {
  name: 'undici-pool-only',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'pool-only' }))
    onLoad({ filter: /.*/, namespace: 'pool-only' }, () => ({
      contents: "exports.Pool = require('undici/lib/dispatcher/pool.js')",
      resolveDir: root,
    }))
  },
}

/**
 * Bundles both halves with all they need into `outdir`: one entry each, and chunks that are
 * loaded only when asked for. Gives what esbuild says of each output.
 */
async function bundle(outdir: string): Promise<Metafile['outputs']> {
  // Chunks carry a hash in their name: those of an earlier build would stay.
  for (const half of ['sidecar', 'ambassador', 'chunks']) {
    rmSync(resolve(outdir, half), { recursive: true, force: true })
  }
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [
      { in: 'sidecar/main.ts', out: 'sidecar/main' },
      { in: 'ambassador/main.ts', out: 'ambassador/main' },
      // A thread's: found beside the vocabularies.
      { in: 'shared/tokens/hugging-face/compile-worker.ts', out: 'tokens/compile-worker' },
    ],
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    sourcemap: 'linked',
    // Not the names: a stack trace shows functions as they are written.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [undiciPoolOnly],
    // Vocabularies as text, 2 MB each: the tables beside the halves are made from them.
    external: ['js-tiktoken/*', '@pydantic/genai-prices'],
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  })
  return metafile.outputs
}

/** One line for each output of code, largest first. */
function sizes(outputs: Metafile['outputs']): string {
  const code = Object.entries(outputs).filter(([path]) => path.endsWith('.js'))
  const lines = code
    .toSorted(([, one], [, other]) => other.bytes - one.bytes)
    .map(([path, { bytes }]) => `${(bytes / 1_024).toFixed(1).padStart(9)} KiB  ${path}`)
  const total = code.reduce((sum, [, { bytes }]) => sum + bytes, 0)
  return [...lines, `${(total / 1_024).toFixed(1).padStart(9)} KiB  in all`, ''].join('\n')
}

const { values } = parseArgs({ options: { outdir: { type: 'string', default: 'dist' } } })
const outdir = resolve(root, values.outdir)
const outputs = await bundle(outdir)
for (const name of tableNames) await writeTable(name, resolve(outdir, 'tokens'))
await writePublished(resolve(outdir, 'prices'))
process.stdout.write(`${relative(root, outdir) || outdir}\n${sizes(outputs)}`)
