import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { getPriority, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { root } from './command.ts'
import { type Page, Transcript } from './transcript.ts'

/** A program of ours that tests something, run by this Node. */
export interface Part {
  readonly name: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** 0, as all others, to 19, which takes only what nobody else wants of the processor. */
  readonly niceness?: number
}

const live = new Set<ChildProcess>()

/**
 * Runs lanes beside each other, the parts of a lane one after the other, whatever becomes of those
 * before. Gives 0 where all ended with 0, else 1: also where one was killed or did not start. Their
 * output is that of a {@link Transcript}, where a lane is followed rather than those after it.
 */
export async function runLanes(
  lanes: readonly (readonly Part[])[],
  write: (text: string) => void = (text) => void process.stdout.write(text),
): Promise<number> {
  const transcript = new Transcript(write)
  const stop = () => {
    for (const child of live) child.kill('SIGTERM')
    process.exit(1)
  }
  const close = () => transcript.close()
  process.once('SIGTERM', stop).once('SIGINT', stop).once('exit', close)
  const lane = async (parts: readonly Part[], rank: number) => {
    let code = 0
    for (const part of parts) {
      if ((await runPart(part, transcript.begin(part.name, rank))) !== 0) code = 1
    }
    return code
  }
  const codes = await Promise.all(lanes.map(lane))
  process.off('SIGTERM', stop).off('SIGINT', stop).off('exit', close)
  return Math.max(0, ...codes)
}

async function runPart(part: Part, page: Page): Promise<number> {
  const began = performance.now()
  const code = await outcome(part, page)
  const seconds = Math.round((performance.now() - began) / 1_000)
  page.line(`== ${part.name}: ${code === 0 ? 'ended well' : 'failed'} after ${seconds} s`)
  page.end()
  return code
}

async function outcome({ args, environment, niceness }: Part, page: Page): Promise<number> {
  const child = spawn(process.execPath, [...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  live.add(child)
  // Whole lines of each: parts of two would make a third.
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (text) => page.line(text))
  }
  try {
    if (niceness !== undefined) lower(child, niceness)
    await once(child, 'close')
  } catch (error) {
    page.line(`Cannot run ${args.join(' ')}: ${String(error)}`)
    return 1
  } finally {
    live.delete(child)
  }
  if (child.signalCode !== null) page.line(`Cannot finish: ended by ${child.signalCode}`)
  return child.exitCode === 0 ? 0 : 1
}

function lower({ pid }: ChildProcess, niceness: number): void {
  if (pid === undefined) return
  try {
    // Whoever runs all of it may have less already, and nobody may take more than there was.
    setPriority(pid, Math.max(getPriority(), niceness))
  } catch {
    // ESRCH: it has ended.
  }
}
