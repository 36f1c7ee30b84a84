import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Metafile } from 'esbuild'
import { bundle, root } from './app/bundle.ts'

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
const outputs = await bundle(outdir, 'maps')
process.stdout.write(`${relative(root, outdir) || outdir}\n${sizes(outputs)}`)
