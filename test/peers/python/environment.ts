import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Peer } from '../build.ts'

const folder = join(import.meta.dirname, '..', 'bin', 'python-clients')
const pins = join(import.meta.dirname, 'requirements.txt')

/**
 * An environment of Python with what requirements.txt pins, made anew where that has changed: a minute
 * or two with an empty cache. Absent where there is no Python of 3.10 or newer or no package index,
 * which is also said on stderr.
 */
export async function pythonEnvironment(): Promise<Peer> {
  const stamp = join(folder, 'outrigger-pins')
  const wanted = createHash('sha256')
    .update(await readFile(pins))
    .digest('hex')
  const path = join(folder, 'bin', 'python')
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return { kind: 'built', path }
  await rm(folder, { recursive: true, force: true })
  const version = await run('python3', [
    '-c',
    'import sys, venv; sys.exit(sys.version_info < (3, 10))',
  ])
  if (version.code !== 0) return absent('there is no Python of 3.10 or newer with its venv')
  const made = await run('python3', ['-m', 'venv', folder])
  if (made.code !== 0) return absent(made.text)
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
  const got = await run(path, ['-m', 'pip', 'install', ...quiet, '--no-deps', '-r', pins])
  if (got.code !== 0) return absent(got.text)
  await writeFile(stamp, wanted)
  return { kind: 'built', path }
}

function absent(text: string): Peer {
  const reason = `Cannot have the clients in Python: ${text.trim().split('\n').at(-1) ?? ''}`
  process.stderr.write(`SKIPPED test/peers/python: ${reason}\n`)
  return { kind: 'absent', reason }
}

/** Runs a program; code 1 where there is none. */
async function run(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  try {
    await once(child, 'close')
  } catch (error) {
    // No such program is a machine without Python; anything else is a defect here.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { code: 1, text: `${program} is not installed` }
    }
    throw error
  }
  return { code: child.exitCode ?? 1, text }
}
