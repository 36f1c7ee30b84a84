import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { after, before } from 'node:test'
import { plainProvider } from '../bad-input-idle.ts'
import { type Asked, open } from '../client.ts'
import { type Half, type Line, type Pair, type PairOptions, startPair } from '../harness.ts'
import { type Exchange, HeldProvider, held } from './held-provider.ts'
import { asking, type Surface, type Wish } from './surfaces.ts'

/** One provider and one pair in front of it, for all tests of a file. */
export interface Stage {
  readonly provider: HeldProvider
  readonly pair: Pair
}

/** What a file changes of its pair; its provider has no pool. */
type Given = Omit<PairOptions, 'provider'>

/** A stage that stands while the tests of the calling file run. */
export function stageOf(given: Given = {}): () => Stage {
  let provider: HeldProvider | undefined
  let pair: Pair | undefined
  before(async () => {
    provider = await new HeldProvider().listen()
    const pool = { ...plainProvider(provider.port), ...given.pool }
    pair = await startPair({ provider: provider.port, ...given, pool })
  })
  after(async () => {
    await pair?.close()
    await provider?.close()
  })
  return () => {
    assert.ok(provider !== undefined && pair !== undefined)
    return { provider, pair }
  }
}

/** An answer that is read as it comes. */
export interface Reader {
  readonly response: IncomingMessage
  /** All that has come. */
  text(): string
  /** The pieces in which it came. */
  readonly pieces: readonly string[]
  /** Resolves once so much has come. */
  until(text: string): Promise<void>
  /** Resolves at the end, however it comes. */
  readonly ended: Promise<'clean' | 'broken'>
}

export async function read(port: number, asked: Asked): Promise<Reader> {
  const response = await open(port, asked)
  response.setEncoding('utf8')
  const pieces: string[] = []
  let waiters: (() => void)[] = []
  const wake = () => {
    for (const resolve of waiters.splice(0)) resolve()
  }
  response.on('data', (piece: string) => {
    pieces.push(piece)
    wake()
  })
  response.on('error', () => undefined)
  const ended = new Promise<'clean' | 'broken'>((resolve) => {
    response.once('close', () => {
      resolve(response.complete ? 'clean' : 'broken')
      wake()
    })
  })
  const text = () => pieces.join('')
  const until = async (wanted: string) => {
    while (!text().includes(wanted)) {
      assert.ok(!response.destroyed, `it ended before "${wanted}": ${text()}`)
      await new Promise<void>((resolve) => waiters.push(resolve))
    }
  }
  return { response, pieces, text, until, ended }
}

/** Tokens of an access line, and whether they are marked as an estimate. */
export function tokensOf(line: Line) {
  const { inputTokens, outputTokens, tokensExact } = line
  const number = (value: unknown) => Number(String(value).replace('~', ''))
  return { input: number(inputTokens), output: number(outputTokens), isExact: tokensExact === true }
}

/** The value of a metric without labels. */
export async function metric(half: Half, name: string): Promise<number> {
  const { text } = await half.page('/metrics')
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
  assert.ok(found !== undefined, name)
  return Number(found)
}

/** Values of the series of a metric, by their labels. */
export async function series(half: Half, name: string): Promise<ReadonlyMap<string, number>> {
  const { text } = await half.page('/metrics')
  const rows = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)]
  const own = rows.filter(([, called]) => called === name)
  return new Map(own.map(([, , labels = '', value]) => [labels, Number(value)]))
}

/** A stream that the test writes. */
interface Written {
  readonly id: string
  readonly exchange: Exchange
  /** Its reader, once there is a head. */
  readonly reading: Promise<Reader>
}

export async function streamOn(
  { provider, pair }: Stage,
  surface: Surface,
  wish: Wish = {},
): Promise<Written> {
  const one = asking(surface, { stream: true, ...wish, headers: { ...held, ...wish.headers } })
  const reading = read(pair.port, one)
  return { id: one.id, exchange: await provider.exchange(one.id), reading }
}

/** The object of the last event, and its name where it has one. */
export function lastOf(body: string) {
  const last = body.trimEnd().split('\n\n').at(-1) ?? ''
  const at = last.indexOf('data: ')
  return { name: last.slice(0, at), data: JSON.parse(last.slice(at + 6)) }
}
