import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { runTool } from './tools.ts'

/** What the image says of its own origin. */
export interface Origin {
  /** RFC 3339: of the commit, or what SOURCE_DATE_EPOCH says; 1970 without either. */
  readonly created: string
  readonly labels: Readonly<Record<string, string>>
}

const manifest = v.object({ version: v.string(), description: v.string(), license: v.string() })

/**
 * Origin of the image of the checkout `root`: nothing in it depends on when or where it is built.
 * `epoch` is SOURCE_DATE_EPOCH: seconds, as reproducible-builds.org specifies it.
 */
export async function originOf(root: string, epoch: string | undefined): Promise<Origin> {
  const text = readFileSync(join(root, 'package.json'), 'utf8')
  const { version, description, license } = v.parse(manifest, JSON.parse(text))
  const shown = await git(root, ['show', '--no-patch', '--format=%H %ct', 'HEAD'])
  const [commit, time = '0'] = shown?.split(' ') ?? []
  // What is ignored, such as dist, is no change.
  const isChanged = (await git(root, ['status', '--porcelain'])) !== ''
  const seconds = epoch ?? time
  if (!/^\d{1,11}$/.test(seconds))
    throw new Error(`Cannot date the image: SOURCE_DATE_EPOCH is '${seconds}', not seconds`)
  const created = new Date(Number(seconds) * 1_000).toISOString().replace('.000Z', 'Z')
  return {
    created,
    labels: {
      'org.opencontainers.image.title': 'outrigger',
      'org.opencontainers.image.description': description,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': license,
      'org.opencontainers.image.created': created,
      ...(commit === undefined
        ? {}
        : { 'org.opencontainers.image.revision': isChanged ? `${commit}-changed` : commit }),
    },
  }
}

/** Undefined where there is no repository, as in an archive of the sources. */
async function git(root: string, args: readonly string[]): Promise<string | undefined> {
  if (!existsSync(join(root, '.git'))) return undefined
  // Looking leaves the repository as it is: others may be at work in it.
  const shown = await runTool('git', ['--no-optional-locks', ...args], root)
  return shown.toString('utf8').trim()
}
