import { fork } from 'node:child_process'
import { join } from 'node:path'
import { type Encoding, loadEncoding, sliceBytes } from '#shared/tokens/encoding.ts'
import { type LibraryName, libraryNames, sharedEncodings } from './libraries.ts'
import { table } from './table.ts'
import type { WorstCount } from './worst.ts'
import { worstNames, worstText } from './worst-texts.ts'

/** A case that takes longer has its process killed; the next one gets another process. */
export const caseMsMax = 10_000

/** 1 MB of each kind: the whole count and the longest step of one in slices, in ms. Ours. */
export async function sliceTable(): Promise<string> {
  const rows: string[][] = []
  for (const name of sharedEncodings) {
    const encoding = await loadEncoding(name)
    for (const kind of worstNames) {
      const text = worstText(kind)
      const countMs = Math.min(
        ...Array.from({ length: 3 }, () => timed(() => encoding.count(text))),
      )
      const stepMs = Math.min(longestStep(encoding, text), longestStep(encoding, text))
      rows.push([name, kind, countMs.toFixed(0), stepMs.toFixed(1)])
    }
  }
  return table(['encoding', 'text', 'count ms', 'longest step ms'], rows)
}

function timed(action: () => void): number {
  const before = process.cpuUsage()
  action()
  return process.cpuUsage(before).user / 1_000
}

function longestStep(encoding: Encoding, text: string): number {
  const counting = encoding.counting(text)
  let longest = 0
  for (;;) {
    const before = process.cpuUsage()
    const isDone = counting.step(sliceBytes)
    longest = Math.max(longest, process.cpuUsage(before).user / 1_000)
    if (isDone) return longest
  }
}

/** 1 MB of each kind by each library with o200k_base, in ms. Each in a process of its own, killed when it is late. */
export async function worstTable(): Promise<string> {
  const columns = new Map<LibraryName, ReadonlyMap<string, WorstCount>>()
  // Two at a time: most of the time passes with cases that are given up.
  for (let from = 0; from < libraryNames.length; from += 2) {
    const pair = libraryNames.slice(from, from + 2)
    const counts = await Promise.all(pair.map(worstCounts))
    for (const [index, library] of pair.entries()) columns.set(library, counts[index] ?? new Map())
  }
  const ours = columns.get('Outrigger')
  const rows = worstNames.map((name) => [
    name,
    ...[...columns.values()].map((counts) => cell(counts.get(name), ours?.get(name))),
  ])
  return table(['text', ...libraryNames], rows)
}

function cell(found: WorstCount | undefined, ours: WorstCount | undefined): string {
  if (found === undefined) return `> ${caseMsMax / 1_000} s`
  if (found.tokens < 0) return 'fails'
  const ms = found.countMs.toFixed(0)
  return found.tokens === ours?.tokens ? ms : `${ms}, **${found.tokens} tokens**`
}

/** A case without an entry took too long. */
async function worstCounts(library: LibraryName): Promise<ReadonlyMap<string, WorstCount>> {
  const counts = new Map<string, WorstCount>()
  for (let from = 0; from < worstNames.length; ) {
    const said = await countSome(library, worstNames.slice(from))
    for (const count of said) counts.set(count.name, count)
    // The one behind them took too long.
    from += said.length + 1
  }
  return counts
}

/** What one process says of these cases until one of them takes too long. */
function countSome(library: LibraryName, names: readonly string[]): Promise<WorstCount[]> {
  const said: WorstCount[] = []
  const child = fork(join(import.meta.dirname, 'worst.ts'), [library, ...names])
  const timer = setTimeout(() => child.kill('SIGKILL'), caseMsMax)
  child.on('message', (count: WorstCount) => {
    said.push(count)
    timer.refresh()
  })
  return new Promise((resolve) => {
    child.once('exit', () => {
      clearTimeout(timer)
      resolve(said)
    })
  })
}
