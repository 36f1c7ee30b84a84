import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { constants, homedir, setPriority } from 'node:os'
import { join } from 'node:path'

/** A program written in Go that a folder with a go.mod of its own pins. */
export interface GoProgram {
  readonly name: string
  readonly version: string
  /** The folder of go.mod and go.sum. */
  readonly directory: string
  /** What is built, as `go build` names it. */
  readonly package: string
  /** Files beside go.mod and go.sum that the result depends on. */
  readonly sources: readonly string[]
  /** Values of `-X`, for programs that say their version. */
  readonly linked: readonly string[]
}

/** Why a program cannot be had on this machine. */
export interface Absent {
  readonly kind: 'absent'
  readonly reason: string
}

export type Built = { readonly kind: 'built'; readonly path: string } | Absent

const cache = join(homedir(), '.cache', 'outrigger')
const goVersionMin = [1, 26] as const

/**
 * The program's path: from `~/.cache/outrigger/NAME/VERSION-OS-ARCH/` where it was built from these
 * very files before, otherwise built there, which takes minutes and is said on stderr. Reproducible:
 * the same files give the same bytes. Rejects where Go is there and the build fails.
 */
export async function buildGoProgram(program: GoProgram): Promise<Built> {
  const platform = `${program.version}-${process.platform}-${process.arch}`
  const directory = join(cache, program.name, platform)
  const path = join(directory, program.name)
  const stampFile = join(directory, 'stamp')
  const wanted = stampOf(program)
  if (existsSync(path) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) {
    return { kind: 'built', path }
  }
  const go = await findGo(program.directory)
  if (go === undefined) {
    const least = goVersionMin.join('.')
    return { kind: 'absent', reason: `install Go ${least} or later, or put it on PATH` }
  }
  await mkdir(directory, { recursive: true })
  const fresh = `${path}.${process.pid}`
  await compile(go, program, fresh)
  await rename(fresh, path)
  await writeFile(stampFile, wanted)
  return { kind: 'built', path }
}

function stampOf(program: GoProgram): string {
  const hash = createHash('sha256').update(program.linked.join('\n'))
  for (const file of ['go.mod', 'go.sum', ...program.sources]) {
    hash.update(readFileSync(join(program.directory, file)))
  }
  return hash.digest('hex')
}

/** PATH decides, then the place where Go's own installer puts it. */
async function findGo(directory: string): Promise<string | undefined> {
  for (const go of ['go', '/usr/local/go/bin/go']) {
    const { code, output } = await run(go, ['env', 'GOVERSION'], directory)
    const [, major = '0', minor = '0'] = /^go(\d+)\.(\d+)/.exec(output) ?? []
    const [majorMin, minorMin] = goVersionMin
    const isEnough = Number(major) > majorMin || Number(minor) >= minorMin
    if (code === 0 && Number(major) >= majorMin && isEnough) return go
  }
  return undefined
}

async function compile(go: string, program: GoProgram, path: string): Promise<void> {
  const began = performance.now()
  const say = (text: string) => process.stderr.write(`${program.name} ${text}\n`)
  say(`${program.version}: building it once with Go; minutes with cold caches`)
  const link = ['-s', '-w', ...program.linked.map((value) => `-X ${value}`)].join(' ')
  const flags = ['-v', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', link]
  let packages = 0
  const progress = setInterval(() => {
    say(`${seconds(began)} s: ${packages} packages compiled`)
  }, 30_000)
  const args = ['build', ...flags, '-o', path, program.package]
  const { code, output } = await run(go, args, program.directory, (lines) => {
    packages += lines
  }).finally(() => clearInterval(progress))
  if (code !== 0) throw new Error(`Cannot build ${program.name}: ${output.slice(-4_000)}`)
  say(`built in ${seconds(began)} s`)
}

function seconds(began: number): string {
  return ((performance.now() - began) / 1_000).toFixed(0)
}

/** Runs Go behind everything else on the machine; `code` is -1 where there is no such program. */
async function run(
  go: string,
  args: readonly string[],
  directory: string,
  onLines?: (count: number) => void,
): Promise<{ code: number; output: string }> {
  const child = spawn(go, args, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CGO_ENABLED: '0' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      onLines?.(text.split('\n').length - 1)
    })
  }
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    await once(child, 'close')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { code: -1, output }
    }
    throw error
  }
  return { code: child.exitCode ?? 1, output }
}
