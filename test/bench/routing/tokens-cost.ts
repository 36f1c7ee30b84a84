import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { byteIds } from '#ambassador/pool/tokens/canonical.ts'
import { compileTemplate } from '#ambassador/pool/tokens/jinja.ts'
import type { Json } from '#ambassador/pool/tokens/json.ts'
import { type ModelFiles, readModelFiles } from '#ambassador/pool/tokens/model-files.ts'
import { readPrompt } from '#ambassador/pool/tokens/prompt-facts.ts'
import { startTokens } from '#ambassador/pool/tokens/start-tokens.ts'
import { systemClock } from '#shared/call/clock.ts'
import { timesOf } from './timed.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

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

/** A conversation of about 100,000 tokens in so many messages; another one for each seed. */
export function conversation(seed: number, turns: number): Json[] {
  const each = Math.floor(charactersAll / turns)
  return Array.from({ length: turns }, (_, at) => ({
    role: at % 2 === 0 ? 'user' : 'assistant',
    content: say(seed * 1_000 + at, Math.min(each, prose.length - 2)),
  }))
}

export function bodyOf(messages: readonly Json[]): Buffer {
  return Buffer.from(JSON.stringify({ model: 'm', messages, max_tokens: 100 }))
}

function started(files: ModelFiles) {
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

/** Medians of one kind of prompt. Milliseconds. */
export interface TokensCost {
  readonly name: string
  readonly tokens: number
  /** Of the main thread, for which other calls wait. */
  readonly mainMs: number
  readonly worstMainMs: number
  readonly wallMs: number
  /** Of the whole process, the encoding thread included. */
  readonly cpuMs: number
}

function medians(name: string, costs: readonly Cost[]): TokensCost {
  const median = (of: (one: Cost) => number) => timesOf(costs.map(of)).p50
  return {
    name,
    tokens: costs[0]?.tokens ?? 0,
    mainMs: median(({ mainMs }) => mainMs),
    worstMainMs: Math.max(...costs.map(({ mainMs }) => mainMs)),
    wallMs: median(({ wallMs }) => wallMs),
    cpuMs: median(({ cpuMs }) => cpuMs),
  }
}

/** The first rounds are for the compiler. */
const rounds = { warm: 5, counted: 15 } as const

/** Where a turn of a conversation of so many messages comes in, 95 % of which has been seen. */
export function keptOf(turns: number): number {
  return Math.floor(turns * 0.475) * 2 - 1
}

/** What the tokens of a prompt of about 100,000 tokens cost, for the model in `folder`. */
export async function tokensCost(folder: string): Promise<readonly TokensCost[]> {
  const files = await readModelFiles({ tokenizer: join(folder, 'tokenizer.json') }, compileTemplate)
  const rows: TokensCost[] = []
  for (const turns of [21, 101, 401]) {
    const { tokens, close } = started(files)
    const kinds: Readonly<Record<string, Cost[]>> = { cold: [], '95 % seen': [], 'all seen': [] }
    for (let round = 0; round < rounds.warm + rounds.counted; round++) {
      const taken = await costs(tokens, conversation(round, turns))
      if (round < rounds.warm) continue
      for (const [at, kind] of Object.values(kinds).entries()) kind.push(...taken.slice(at, at + 1))
    }
    for (const [kind, taken] of Object.entries(kinds)) {
      rows.push(medians(`${turns} messages, ${kind}`, taken))
    }
    close()
  }
  return rows
}

/** Its beginning, then all of it, and once more. */
async function costs(
  tokens: ReturnType<typeof started>['tokens'],
  messages: readonly Json[],
): Promise<readonly Cost[]> {
  const whole = bodyOf(messages)
  const taken: Cost[] = []
  for (const body of [bodyOf(messages.slice(0, keptOf(messages.length))), whole, whole]) {
    taken.push(await cost(tokens, body))
  }
  return taken
}

/** The same where bytes stand for tokens. */
export function bytesCost(): TokensCost {
  const costs: Cost[] = []
  const facts = readPrompt('chat', bodyOf(conversation(1, 101)))
  if (facts === undefined) throw new Error('The body has no prompt')
  for (let round = 0; round < 30; round++) {
    const start = performance.now()
    const { ids } = byteIds(facts)
    const wallMs = performance.now() - start
    if (round >= 10) costs.push({ tokens: ids.length, mainMs: wallMs, wallMs, cpuMs: wallMs })
  }
  return medians('byte blocks', costs)
}
