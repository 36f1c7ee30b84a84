/**
 * What the tokens of a prompt of about 100,000 tokens cost in the ambassador:
 *
 *     node test/bench/routing/tokens-cost.ts <folder of a model: tokenizer.json, tokenizer_config.json>
 *
 * Times are of the main thread, which calls wait for; `thread` is what the encoding thread used beside it.
 */

import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '#shared/call/clock.ts'
import { loadTable } from '#shared/tokens/hugging-face/load-tokenizer.ts'
import { byteIds } from '../../../ambassador/pool/tokens/canonical.ts'
import { compileTemplate } from '../../../ambassador/pool/tokens/jinja.ts'
import type { Json } from '../../../ambassador/pool/tokens/json.ts'
import { readModelFiles } from '../../../ambassador/pool/tokens/model-files.ts'
import { readPrompt } from '../../../ambassador/pool/tokens/prompt-facts.ts'
import { startTokens } from '../../../ambassador/pool/tokens/start-tokens.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder of a model')
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const compileStart = performance.now()
const files = await readModelFiles({ tokenizer: join(folder, 'tokenizer.json') }, compileTemplate)
const firstLoadMs = performance.now() - compileStart
const loadStart = performance.now()
await loadTable(join(folder, 'tokenizer.json'))
const loadMs = performance.now() - loadStart

const prose = await corpus()

/** English, Markdown and code, as a session of an agent has it. */
async function corpus(): Promise<string> {
  const names = [
    'undici/README.md',
    'yaml/dist/doc/Document.js',
    'fast-check/README.md',
    'ajv/README.md',
  ]
  const read = names.map((name) => readFile(join(root, 'node_modules', name), 'utf8'))
  return (await Promise.all(read)).join('\n')
}

/** Another text of this length for each number. */
function say(number: number, characters: number): string {
  const from = (number * 7_919) % (prose.length - characters - 1)
  return `${number}: ${prose.slice(from, from + characters)}`
}

/** As long as 100,000 tokens of this tokenizer, about. */
const charactersAll = 380_000

function conversation(seed: number, turns: number): Json[] {
  const each = Math.floor(charactersAll / turns)
  return Array.from({ length: turns }, (_, at) => ({
    role: at % 2 === 0 ? 'user' : 'assistant',
    content: say(seed * 1_000 + at, Math.min(each, prose.length - 2)),
  }))
}

function bodyOf(messages: readonly Json[]): Buffer {
  return Buffer.from(JSON.stringify({ model: 'm', messages, max_tokens: 100 }))
}

function started() {
  return startTokens({
    clock: systemClock,
    choice: 'local',
    model: 'm',
    files,
    tokenize: () => Promise.reject(new Error('Nobody is asked')),
    replicas: () => [],
    onChange: () => {},
    limitMs: 60_000,
  })
}

interface Cost {
  readonly tokens: number
  readonly mainMs: number
  readonly wallMs: number
  readonly cpuMs: number
}

async function cost(tokens: ReturnType<typeof started>['tokens'], body: Buffer): Promise<Cost> {
  const cpu = process.cpuUsage()
  const busy = performance.eventLoopUtilization()
  const start = performance.now()
  const facts = readPrompt('chat', body)
  if (facts === undefined) throw new Error('The body has no prompt')
  const answer = tokens.idsOf(facts)
  const atOnceMs = performance.now() - start
  const found = answer instanceof Promise ? await answer : answer
  const wallMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  if (found.kind !== 'exact') throw new Error('The tokens are not exact')
  const active = performance.eventLoopUtilization(busy).active
  const mainMs = answer instanceof Promise ? Math.max(atOnceMs, active) : atOnceMs
  return { tokens: found.ids.length, mainMs, wallMs, cpuMs: (user + system) / 1_000 }
}

function median(costs: readonly Cost[], of: (one: Cost) => number): string {
  const sorted = costs.map(of).toSorted((one, other) => one - other)
  return (sorted[sorted.length >> 1] ?? 0).toFixed(1)
}

const rows: string[][] = []

function report(name: string, costs: readonly Cost[]): void {
  const of = (pick: (one: Cost) => number) => median(costs, pick)
  const worst = Math.max(...costs.map(({ mainMs }) => mainMs)).toFixed(1)
  rows.push([
    name,
    String(costs[0]?.tokens ?? 0),
    of(({ mainMs }) => mainMs),
    worst,
    of(({ wallMs }) => wallMs),
    of(({ cpuMs }) => cpuMs),
  ])
}

const rounds = 15
for (const turns of [21, 101, 401]) {
  const { tokens, close } = started()
  const cold: Cost[] = []
  const grown: Cost[] = []
  const seen: Cost[] = []
  for (let round = 0; round < rounds + 5; round++) {
    const messages = conversation(round, turns)
    const kept = Math.floor(turns * 0.475) * 2 - 1
    const first = await cost(tokens, bodyOf(messages.slice(0, kept)))
    const second = await cost(tokens, bodyOf(messages))
    const third = await cost(tokens, bodyOf(messages))
    // The first rounds are for the compiler.
    if (round < 5) continue
    cold.push(first)
    grown.push(second)
    seen.push(third)
  }
  report(`${turns} messages, cold`, cold)
  report(`${turns} messages, 95 % seen`, grown)
  report(`${turns} messages, all seen`, seen)
  close()
}

const bytes: Cost[] = []
const body = bodyOf(conversation(1, 101))
const facts = readPrompt('chat', body)
if (facts === undefined) throw new Error('The body has no prompt')
for (let round = 0; round < 30; round++) {
  const start = performance.now()
  const { ids } = byteIds(facts)
  const wallMs = performance.now() - start
  if (round >= 10) bytes.push({ tokens: ids.length, mainMs: wallMs, wallMs, cpuMs: wallMs })
}
report('byte blocks', bytes)

console.log(
  `files read in ${firstLoadMs.toFixed(0)} ms, from the kept table ${loadMs.toFixed(1)} ms`,
)
console.log('prompt | tokens | main thread, median ms | worst | wall ms | CPU of the process ms')
for (const row of rows) console.log(row.join(' | '))
