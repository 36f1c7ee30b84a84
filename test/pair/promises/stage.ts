import assert from 'node:assert/strict'
import { type Asked, ask, question } from '../client.ts'
import { until } from '../errors/occupy.ts'
import { type Half, type Line, type Pair, type PairOptions, startPair } from '../harness.ts'

/** `pool` as a provider of OpenAI's kind with these keys, by their names and secrets. */
export function openaiPool(port: number, keys: readonly Key[], more: object = {}) {
  return {
    kind: 'openai',
    // What the harness has by default is for another kind.
    replicas: undefined,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    credentials: keys.map(({ name, models }) => ({ name, secret: secretOf(name), models })),
    ...more,
  }
}

export interface Key {
  readonly name: string
  /** What it may be used for; everything where absent. */
  readonly models?: readonly string[]
}

/** A further provider as the sidecar sees it, behind these ambassadors. */
export function standing(...halves: readonly Half[]) {
  const address = halves.map(({ port }) => `127.0.0.1:${port}`)
  return { kind: 'vllm', replicas: { addresses: ['http://127.0.0.1:1'] }, address }
}

/** The keys that go over the wire. */
export function environmentOf(keys: readonly Key[]): Record<string, string> {
  return Object.fromEntries(keys.map(({ name }) => [secretOf(name), wireKey(name)]))
}

function secretOf(name: string): string {
  return `KEY_${name.toUpperCase().replaceAll('-', '_')}`
}

export function wireKey(name: string): string {
  return `canary-key-of-${name}`
}

/** Each name as a model that `provider` serves under the same name. */
export function aliases(names: readonly string[], provider = 'pool') {
  return Object.fromEntries(names.map((name) => [name, { targets: [{ provider, model: name }] }]))
}

/** Retries that begin at once and are never too many. */
export const eager = { base: '1ms', max: '1ms', budgetPercent: 100, budgetFloor: 1_000 }

export interface PlannedCall {
  readonly stream?: boolean
  readonly plan?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

/** One question for `model` that meets `plan`. */
export function planned(model: string, given: PlannedCall = {}): Asked & { readonly id: string } {
  const { stream = false, plan = 'ok', headers = {}, body = {} } = given
  const one = question('chat', { stream, body: { model, ...body } })
  return { ...one, headers: { ...one.headers, 'x-plan': plan, ...headers } }
}

/** Asks, and gives the answer with the ambassador's access line. */
export async function asked(pair: Pair, one: Asked) {
  const seen = await ask(pair.port, one)
  const { ambassador } = await pair.linesOf(String(seen.headers['x-outrigger-call']))
  return { ...seen, line: ambassador }
}

/** Asks and leaves when `isTime`; gives the access line of the ambassador. */
export async function leave(half: Half, one: Asked, isTime: () => boolean): Promise<Line> {
  const sinceMs = Date.now()
  const end = new AbortController()
  const leaving = fetch(`http://127.0.0.1:${half.port}${one.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...one.headers },
    body: JSON.stringify(one.body),
    signal: end.signal,
  })
    .then((answer) => answer.text())
    .catch(() => undefined)
  await until(isTime)
  end.abort()
  await leaving
  return half.call(sinceMs)
}

/** Tokens of an access line, and whether they are marked as an estimate. */
export function tokens(line: Line) {
  const read = (key: string) => Number(String(line[key]).replace('~', ''))
  const isMarked = String(line['inputTokens']).startsWith('~')
  return { input: read('inputTokens'), output: read('outputTokens'), isMarked }
}

/** Values of the series of metric `name`, by their labels. */
export async function series(half: Half, name: string): Promise<ReadonlyMap<string, number>> {
  const { text } = await half.page('/metrics')
  const rows = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)]
  const own = rows.filter(([, called]) => called === name)
  return new Map(own.map(([, , labels = '', value]) => [labels, Number(value)]))
}

/** Everything that counts what is under way is back at nothing. */
export async function untilCalm(half: Half): Promise<void> {
  const gauges = [
    'outrigger_ambassador_calls_in_flight',
    'outrigger_tenant_calls_in_flight',
    'outrigger_ambassador_replica_calls_in_flight',
    'outrigger_ambassador_calls_waiting',
    'outrigger_ambassador_body_bytes_held',
  ]
  await until(async () => {
    const { text } = await half.page('/metrics')
    const rows = [...text.matchAll(/^(\w+)(?:\{.*\})? (\S+)$/gm)]
    return rows.every(([, name = '', value]) => !gauges.includes(name) || Number(value) === 0)
  })
}

/** A pair that has taken its configuration. */
export async function startTaken(options: PairOptions): Promise<Pair> {
  const pair = await startPair(options)
  for (const half of [pair.sidecar, pair.ambassador]) {
    const isTaken = half.lines.some((line) => line['msg'] === 'configuration taken')
    if (isTaken) continue
    await pair.close()
    assert.fail(half.output)
  }
  return pair
}
