import { execFile, spawn } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What each program is needed for, and where Debian has it. */
const needed = {
  'apt-get': 'fetch signed Debian packages (package apt)',
  'apt-cache': 'read the versions of Debian packages (package apt)',
  'dpkg-deb': 'open Debian packages (package dpkg)',
  gzip: 'compress the layers (package gzip)',
  npm: 'fetch the Node binary of each architecture',
  git: 'read the commit',
} as const

export type Tool = keyof typeof needed

/** The largest archive inside a Debian package is libc's, 13 MB. */
const outputBytesMax = 256 * 1024 * 1024
/** A slow mirror is slow, a dead one hangs. */
const limitMs = 300_000

/**
 * What a program of the machine, run in `cwd`, writes to its standard output.
 *
 * @throws Error with what it is for where it is missing, and its last words where it fails.
 */
export async function runTool(tool: Tool, args: readonly string[], cwd?: string): Promise<Buffer> {
  try {
    const { stdout } = await execute(tool, [...args], {
      encoding: 'buffer',
      maxBuffer: outputBytesMax,
      timeout: limitMs,
      ...(cwd === undefined ? {} : { cwd }),
    })
    return stdout
  } catch (error) {
    throw toolError(tool, error)
  }
}

/**
 * `content` compressed by GNU gzip at its best, without name and time. Not by Node's zlib, a fork
 * tuned to processors: its bytes need not be the same on all of them, and the layer's name is their
 * hash. Besides, gzip's are 3 % smaller.
 *
 * @throws Error where gzip is missing or is not GNU's.
 */
export async function gzip(content: Buffer): Promise<Buffer> {
  const version = (await runTool('gzip', ['--version'])).toString()
  if (!/^gzip \d/.test(version)) throw new Error("Cannot compress: this 'gzip' is not GNU's")
  const child = spawn('gzip', ['-n', '-9', '-c'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((settle, fail) => {
    child.once('error', (error) => fail(toolError('gzip', error)))
    child.once('close', settle)
  })
  child.stdin.on('error', () => {
    // It ended before it had read everything: its code says so.
  })
  child.stdin.end(content)
  const [compressed, code] = await Promise.all([buffer(child.stdout), ended])
  if (code !== 0) throw new Error(`Cannot compress: gzip ended with ${code}`)
  return compressed
}

function toolError(tool: Tool, cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(`Cannot run '${tool}'`, { cause })
  if ('code' in cause && cause.code === 'ENOENT')
    return new Error(`Cannot ${needed[tool]}: '${tool}' is not on this machine`, { cause })
  const words = 'stderr' in cause && Buffer.isBuffer(cause.stderr) ? cause.stderr.toString() : ''
  const last = words.trim().split('\n').slice(-3).join('; ')
  return new Error(`Cannot ${needed[tool]}: ${last === '' ? cause.message : last}`, { cause })
}
