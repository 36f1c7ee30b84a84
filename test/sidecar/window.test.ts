import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '#shared/telemetry/access-log.ts'
import { Counter, type InputCount, type Question } from '#shared/tokens/counter.ts'
import { Encodings } from '#shared/tokens/encodings.ts'
import type { Route, SidecarCall } from '../../sidecar/call.ts'
import { count } from '../../sidecar/count.ts'
import { fallback } from '../../sidecar/fallback/fallback.ts'
import { Signals } from '../../sidecar/route/signals.ts'
import { checkWindow } from '../../sidecar/window.ts'
import { manualClock } from '../manual-clock.ts'
import { answered, callOf, requestOf, targetOf } from './sidecar-call.ts'

/** Counts as its table of models says, and remembers who was asked for. */
class Table extends Counter {
  readonly asked: string[] = []
  readonly #counts: Readonly<Record<string, InputCount>>

  constructor(counts: Readonly<Record<string, InputCount>>) {
    super(() => Promise.resolve(), new Encodings(() => {}))
    this.#counts = counts
  }

  override count({ model }: Question): InputCount | Promise<InputCount | undefined> {
    this.asked.push(model)
    const counted = this.#counts[model]
    assert.ok(counted !== undefined)
    return counted
  }
}

const target = (model: string, contextWindow?: number) => targetOf(model, { contextWindow })
const exact = (tokens: number): InputCount => ({ tokens, exactness: 'exact' })
const guess = (tokens: number): InputCount => ({ tokens, exactness: 'estimate' })
const log = createLog({
  level: 'silent',
  half: 'sidecar',
  clock: manualClock(),
  destination: { write: () => undefined },
})

interface Given {
  readonly counts: Readonly<Record<string, InputCount>>
  readonly targets: readonly Route[]
  readonly surface?: SidecarCall['surface']
}

async function send({ counts, targets, surface }: Given) {
  const counter = new Table(counts)
  const call = callOf(manualClock())
  call.chain = targets
  if (surface !== undefined) call.surface = surface
  const parts = { signals: new Signals(), onFallback: () => undefined }
  const inner = count({ counter, log: () => log })(() => Promise.resolve(answered(200)))
  await fallback(parts)(inner)(requestOf('{}'), call)
  return { model: call.route?.model, tokens: call.input.tokens, asked: counter.asked }
}

test('a question that fits goes to the first target, and no other tokenizer is asked', async () => {
  const targets = [target('small', 100), target('large', 1_000)]
  const sent = await send({ counts: { small: exact(100) }, targets })
  assert.deepEqual(sent, { model: 'small', tokens: 100, asked: ['small'] })
})

test('a target whose window is too small is passed over, and the next counts for itself', async () => {
  const targets = [target('small', 100), target('middle', 110), target('large', 1_000)]
  const counts = { small: exact(101), middle: exact(120), large: exact(90) }
  const sent = await send({ counts, targets })
  assert.deepEqual(sent, { model: 'large', tokens: 90, asked: ['small', 'middle', 'large'] })
})

test('a target without a declared window takes what the others cannot', async () => {
  const targets = [target('small', 100), target('open')]
  const sent = await send({ counts: { small: exact(500), open: guess(600) }, targets })
  assert.equal(sent.model, 'open')
})

test('what fits nowhere is refused with the numbers of the largest window', async () => {
  const targets = [target('large', 1_000), target('small', 100)]
  const counts = { small: exact(5_000), large: exact(4_000) }
  await assert.rejects(send({ counts, targets }), {
    code: 'context-window-exceeded',
    facts: { tokens: 4_000, contextWindow: 1_000, isGuess: false },
  })
})

test('a guess passes over a target, and refuses nobody', async () => {
  const targets = [target('guessed', 1_000), target('small', 100)]
  const counts = { small: exact(5_000), guessed: guess(4_000) }
  assert.equal((await send({ counts, targets })).model, 'guessed')
  const roomy = [target('guessed', 1_000), target('open')]
  assert.equal(
    (await send({ counts: { ...counts, open: exact(1) }, targets: roomy })).model,
    'open',
  )
})

test('texts to embed have a window each, which is the provider’s to check', async () => {
  const surface = { path: '/v1/embeddings', dialect: 'embeddings', wants: 'answer' } as const
  const sent = await send({ counts: { e: exact(9_000) }, targets: [target('e', 8_192)], surface })
  assert.equal(sent.model, 'e')
})

test('a question of Responses that its provider shall shorten is sent, however long', () => {
  const call = callOf(manualClock())
  call.surface = { path: '/v1/responses', dialect: 'responses', wants: 'answer' }
  const tooLong = () => checkWindow(call, target('a', 100), exact(101))
  assert.throws(tooLong, { code: 'context-window-exceeded' })
  call.isShortened = true
  assert.doesNotThrow(tooLong)
  // The member means nothing elsewhere.
  call.surface = { path: '/v1/chat/completions', dialect: 'chat', wants: 'answer' }
  assert.throws(tooLong, { code: 'context-window-exceeded' })
})
