import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A program that others wrote, built here; or why it cannot be had on this machine. */
export type Peer =
  | { readonly kind: 'built'; readonly path: string }
  | { readonly kind: 'absent'; readonly reason: string }

const module = 'github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim'
const path = join(import.meta.dirname, 'bin', 'llm-d-inference-sim')

/** The machine's own, found by PATH. */
const program = 'go'

/** Reproducible, without a C compiler, and never with another version than go.mod pins. */
const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false']

/**
 * Builds the simulator that go.mod pins, with the machine's own Go. Go's caches decide what is left
 * to do: a second with warm ones, minutes with none. Absent where there is no Go or a module cannot
 * be fetched, which is also said on stderr. Rejects where what was fetched is not what go.sum says,
 * or does not compile.
 */
export async function buildInferenceSim(): Promise<Peer> {
  const listed = await go(['list', '-mod=readonly', '-deps', '-f', '', module])
  if (listed.code !== 0) {
    // What was fetched, and is wrong, must not pass as something that is only missing.
    if (/checksum mismatch|SECURITY ERROR|go\.sum entry|updates to go\.mod/.test(listed.text)) {
      throw new Error(`Cannot build llm-d-inference-sim: ${listed.text}`)
    }
    return absent(listed.code === undefined ? 'Go is not installed' : lastLine(listed.text))
  }
  const built = await go(['build', ...flags, '-o', path, module])
  if (built.code !== 0) throw new Error(`Cannot build llm-d-inference-sim: ${built.text}`)
  return { kind: 'built', path }
}

function absent(state: string): Peer {
  const reason = `Cannot build llm-d-inference-sim: ${state}`
  process.stderr.write(`SKIPPED test/peers: ${reason}\n`)
  return { kind: 'absent', reason }
}

/** Runs Go in this folder; `code` is undefined where there is no Go. */
async function go(args: readonly string[]): Promise<{ code: number | undefined; text: string }> {
  const child = spawn(program, args, {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CGO_ENABLED: '0' },
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  try {
    await once(child, 'close')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { code: undefined, text }
    }
    throw error
  }
  return { code: child.exitCode ?? 1, text }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
