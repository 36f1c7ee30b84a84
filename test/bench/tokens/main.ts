import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tiktoken } from 'js-tiktoken/lite'
import { loadEncoding } from '#shared/tokens/encoding.ts'
import { type EncodingName, encodingNames } from '#shared/tokens/vocabulary/table.ts'
import { oracle } from '../../shared/tokens/gpt-tokenizer.ts'
import { environment } from '../environment.ts'
import { type Corpus, corpora } from './corpus.ts'
import type { Loaded } from './load.ts'
import { worstCases } from './worst-cases.ts'

/** Rounds of a measurement: the least of them is given, the others had company. */
const rounds = 5
/** Code units of one message: what a call counts at once. */
const messageUnits = 8_000
/** js-tiktoken is quadratic in words: part of each corpus, once. */
const slowUnits = 20_000

const packages = {
  o200k_base: () => import('js-tiktoken/ranks/o200k_base'),
  cl100k_base: () => import('js-tiktoken/ranks/cl100k_base'),
}

function messages(text: string): string[] {
  return text.match(new RegExp(`[^]{1,${messageUnits}}`, 'g')) ?? []
}

/** MB of UTF-8 per second of processor time, and tokens of the last round. */
function speed(texts: readonly string[], count: (text: string) => number, times = rounds) {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  let least = Infinity
  let tokens = 0
  for (let round = 0; round < times; round++) {
    tokens = 0
    const before = process.cpuUsage()
    for (const text of texts) tokens += count(text)
    least = Math.min(least, process.cpuUsage(before).user)
  }
  return { rate: bytes / least, tokens }
}

async function speedRows(name: 'o200k_base' | 'cl100k_base', kinds: readonly Corpus[]) {
  const encoding = await loadEncoding(name)
  const other = await oracle(name)
  const slow = new Tiktoken((await packages[name]()).default)
  return kinds.map((corpus) => {
    const texts = messages(corpus.text)
    const ours = speed(texts, encoding.count)
    const theirs = speed([''], other.count, 1)
    let best = 0
    for (let round = 0; round < rounds; round++) {
      // Each of its rounds meets the words for the first time, as it would a text that is not its own.
      other.clear()
      const result = speed(texts, other.count, 1)
      best = Math.max(best, result.rate)
      theirs.tokens = result.tokens
    }
    const slowly = speed(
      [corpus.text.slice(0, slowUnits)],
      (text) => slow.encode(text, [], []).length,
      1,
    )
    const isSame = ours.tokens === theirs.tokens ? 'same' : `${ours.tokens} / ${theirs.tokens}`
    const figures = [ours.rate, best, slowly.rate].map((rate) => rate.toFixed(1))
    const factor = `${(ours.rate / best).toFixed(1)} ×`
    return row([name, corpus.name, ...figures, factor, isSame])
  })
}

function loaded(name: EncodingName): Loaded {
  const file = join(import.meta.dirname, 'load.ts')
  const run = (): Loaded =>
    JSON.parse(execFileSync(process.execPath, ['--expose-gc', file, name], { encoding: 'utf8' }))
  const runs = Array.from({ length: rounds }, run)
  return runs.toSorted((one, other) => one.loadMs - other.loadMs)[rounds >> 1] ?? run()
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(head), row(head.map(() => '---')), ...rows].join('\n')
}

const kinds = corpora()
const speeds = [
  ...(await speedRows('o200k_base', kinds)),
  ...(await speedRows('cl100k_base', kinds)),
]
const loads = encodingNames.map((name) => {
  const { loadMs, bytes } = loaded(name)
  return row([name, loadMs.toFixed(1), (bytes / 1e6).toFixed(2)])
})
const worst = []
for (const name of ['o200k_base', 'cl100k_base'] as const) {
  for (const { name: kind, countMs, stepMs } of worstCases(await loadEncoding(name))) {
    worst.push(row([name, kind, countMs.toFixed(0), stepMs.toFixed(1)]))
  }
}
const { cpu, cores, node, load } = environment({ repeats: rounds, isQuick: false })
const report = `# Token counting

Node ${node}, ${cpu}, ${cores} cores, load average ${load[0]}. Times are processor time of the process,
the least of ${rounds} rounds. Made by \`node test/bench/tokens/main.ts\`.

## Speed

MB of UTF-8 per second, in messages of ${messageUnits} characters. gpt-tokenizer's memory of words is
emptied before each round; js-tiktoken has the first ${slowUnits} characters, once. "Same": the counts of
ours and gpt-tokenizer are equal.

${table(['encoding', 'text', 'ours', 'gpt-tokenizer', 'js-tiktoken', 'to gpt-tokenizer', 'tokens'], speeds)}

${kinds.map(({ name, source }) => `- ${name}: ${source}`).join('\n')}

## Load and memory

In a process of its own, median: from the call to the first count; heap and buffers that stay.

${table(['encoding', 'load ms', 'MB'], loads)}

## Worst cases

1 MB each: the whole count, and the longest step of one in slices.

${table(['encoding', 'text', 'count ms', 'longest step ms'], worst)}
`
process.stdout.write(report)
writeFileSync(join(import.meta.dirname, '..', 'results', 'tokens.md'), report)
