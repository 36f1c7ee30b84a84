import { homedir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildImage, type ImageSummary } from './image.ts'

const { values } = parseArgs({
  options: {
    outdir: { type: 'string', default: 'dist/image' },
    cache: { type: 'string', default: join(homedir(), '.cache', 'outrigger', 'image') },
  },
})

/** Each image with its layers, and what a manifest of Kubernetes names. */
function linesOf({ digest, images }: ImageSummary): string {
  const size = (bytes: number) => `${(bytes / 1e6).toFixed(2).padStart(7)} MB`
  const lines = images.flatMap((image) => [
    `${size(image.bytes)}  linux/${image.architecture}  ${image.digest}`,
    ...image.layers.map(({ what, bytes }) => `${size(bytes)}    ${what}`),
  ])
  return [...lines, `            image  ${digest}`, ''].join('\n')
}

/** What went wrong, and below it why. */
function reasons(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...reasons(error.cause)] : []
}

try {
  const outdir = resolve(values.outdir)
  const summary = await buildImage({
    outdir,
    cache: resolve(values.cache),
    epoch: process.env['SOURCE_DATE_EPOCH'],
  })
  process.stdout.write(`${relative(process.cwd(), outdir) || outdir}\n${linesOf(summary)}`)
} catch (error) {
  process.stderr.write(`outrigger: ${reasons(error).join(': ')}\n`)
  process.exitCode = 1
}
