import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

/** What a figure depends on besides the code. */
export interface Environment {
  readonly commit: string
  /** Whether the tree differs from the commit: then the figures belong to neither. */
  readonly isDirty: boolean
  readonly cpu: string
  readonly cores: number
  readonly memoryMB: number
  readonly node: string
  readonly date: string
  /** Load averages of 1, 5 and 15 minutes before the run. */
  readonly load: readonly number[]
  readonly repeats: number
  readonly isQuick: boolean
}

const root = join(import.meta.dirname, '..', '..')

/** What the figures are made by. */
const measured = ['sidecar', 'ambassador', 'shared', 'deploy/image', 'package-lock.json']

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    // An image or a tarball has no repository.
    return 'unknown'
  }
}

export function environment(run: { repeats: number; isQuick: boolean }): Environment {
  return {
    commit: git('rev-parse', '--short', 'HEAD'),
    isDirty: git('status', '--porcelain', '--', ...measured) !== '',
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMB: Math.round(totalmem() / 2 ** 20),
    node: process.version,
    date: new Date().toISOString(),
    load: loadavg().map((value) => Number(value.toFixed(2))),
    ...run,
  }
}
