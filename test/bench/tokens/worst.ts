import { say } from '../child.ts'
import { libraries, libraryNames } from './libraries.ts'
import { worstText } from './worst-texts.ts'

/** Counts again where that is soon done: the first count has a cold compiler. */
const againBelowMs = 500

/** What a process that counts worst cases says of one. */
export interface WorstCount {
  readonly name: string
  /** -1 where the library failed. */
  readonly tokens: number
  /** Processor time of the least of up to three counts. */
  readonly countMs: number
}

/** Least processor time of up to three counts. */
function measured(name: string, count: (text: string) => number): WorstCount {
  const text = worstText(name)
  let countMs = Infinity
  let tokens = 0
  for (let round = 0; round < 3 && (round === 0 || countMs < againBelowMs); round++) {
    const before = process.cpuUsage()
    tokens = count(text)
    countMs = Math.min(countMs, process.cpuUsage(before).user / 1_000)
  }
  return { name, tokens, countMs }
}

/** Arguments: a library, then names of worst cases. Says a {@link WorstCount} of each. */
if (import.meta.main) {
  const [, , wanted, ...names] = process.argv
  const library = libraryNames.find((name) => name === wanted) ?? 'Outrigger'
  const { count } = await libraries[library]('o200k_base')
  const countOrFail = (text: string) => {
    try {
      return count(text)
    } catch {
      // A stack that overflows or memory that a module cannot get: the report says so.
      return -1
    }
  }
  for (const name of names) say(measured(name, countOrFail))
  process.disconnect?.()
}
