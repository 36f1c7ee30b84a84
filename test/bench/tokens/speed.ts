import type { Corpus } from './corpus.ts'
import {
  type Library,
  type LibraryName,
  libraries,
  libraryNames,
  type SharedEncoding,
  sharedEncodings,
} from './libraries.ts'
import { table } from './table.ts'

/** Rounds of a measurement: the least of them is given, the others had company. */
export const rounds = 5
/** Code units of one message: what a call counts at once. */
export const messageUnits = 8_000
/** js-tiktoken is quadratic in words: this much of each corpus, once. */
export const slowUnits = 20_000

interface Runner {
  readonly name: LibraryName
  readonly library: Library
  readonly texts: readonly string[]
  readonly bytes: number
  readonly tokens: number[]
  /** Least processor time of a round in ms, after {@link Library.forget} and right after that. */
  coldMs: number
  warmMs: number
}

/** Tables of MB/s, and of how the counts agree. */
export async function speedTables(kinds: readonly Corpus[]): Promise<string> {
  const speeds: string[][] = []
  const agreements: string[][] = []
  for (const encoding of sharedEncodings) {
    const found = await loaded(encoding)
    for (const { name, text } of kinds) {
      const runners = race(found, text)
      speeds.push([encoding, name, ...rates(runners)])
      agreements.push([encoding, name, ...agreement(runners)])
    }
  }
  const head = ['encoding', 'text']
  const [ours, ...others] = libraryNames
  return `${table([...head, ours, ...others, 'to gpt-tokenizer, cold', 'to the fastest other, cold', 'to the fastest other, warm'], speeds)}

Counts against ours, message by message:

${table([...head, ...others], agreements)}`
}

async function loaded(encoding: SharedEncoding): Promise<ReadonlyMap<LibraryName, Library>> {
  const found = new Map<LibraryName, Library>()
  for (const name of libraryNames) found.set(name, await libraries[name](encoding))
  return found
}

/** All libraries in turn in every round, so that a busy machine is busy for each of them. */
function race(found: ReadonlyMap<LibraryName, Library>, text: string): Runner[] {
  const all = messages(text)
  const some = [text.slice(0, slowUnits)]
  const runners = [...found].map(([name, library]): Runner => {
    const texts = name === 'js-tiktoken' ? some : all
    const bytes = texts.reduce((sum, message) => sum + Buffer.byteLength(message), 0)
    return { name, library, texts, bytes, tokens: [], coldMs: Infinity, warmMs: Infinity }
  })
  for (let round = 0; round < rounds; round++) {
    for (const runner of runners) {
      if (runner.name === 'js-tiktoken' && round > 0) continue
      runner.library.forget?.()
      runner.coldMs = Math.min(runner.coldMs, timed(runner))
      // Where nothing is kept there is one figure.
      if (runner.library.forget) runner.warmMs = Math.min(runner.warmMs, timed(runner))
      else runner.warmMs = runner.coldMs
    }
  }
  return runners
}

export function messages(text: string): string[] {
  return text.match(new RegExp(`[^]{1,${messageUnits}}`, 'g')) ?? []
}

function timed({ library, texts, tokens }: Runner): number {
  const before = process.cpuUsage()
  for (const [index, text] of texts.entries()) tokens[index] = library.count(text)
  return process.cpuUsage(before).user / 1_000
}

function rates(runners: readonly Runner[]): string[] {
  const rate = (bytes: number, ms: number) => bytes / ms / 1_000
  const cells = runners.map(({ library, bytes, coldMs, warmMs }) => {
    const cold = rate(bytes, coldMs).toFixed(1)
    return library.forget ? `${cold} / ${rate(bytes, warmMs).toFixed(1)}` : cold
  })
  const [ours, ...others] = runners
  const fastest = (ms: (runner: Runner) => number, among = others) => {
    const best = Math.max(...among.map((runner) => rate(runner.bytes, ms(runner))))
    return ours ? `${(rate(ours.bytes, ms(ours)) / best).toFixed(1)} ×` : ''
  }
  const gpt = others.filter(({ name }) => name === 'gpt-tokenizer')
  const cold = ({ coldMs }: Runner) => coldMs
  return [...cells, fastest(cold, gpt), fastest(cold), fastest(({ warmMs }) => warmMs)]
}

function agreement(runners: readonly Runner[]): string[] {
  const [ours, ...others] = runners
  return others.map(({ texts, tokens }) => {
    const isPart = texts.length < (ours?.texts.length ?? 0)
    const wanted = isPart ? texts.map((text) => ours?.library.count(text)) : ours?.tokens
    const differing = tokens.filter((count, index) => count !== wanted?.[index]).length
    return differing === 0 ? 'same' : `**${differing} of ${texts.length} differ**`
  })
}
