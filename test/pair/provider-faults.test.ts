import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ErrorCode, errorTable } from '#shared/errors/table.ts'
import { isIdle, plainProvider } from './bad-input-idle.ts'
import { ask, type Seen } from './client.ts'
import { type Pair, startPair } from './harness.ts'
import { type Asked, type DeedName, RawProvider } from './provider-faults.ts'
import { questionOf } from './scripted-provider.ts'

let provider: RawProvider
let pair: Pair

before(async () => {
  provider = await new RawProvider().listen()
  const pool = plainProvider(provider.port)
  pair = await startPair({ provider: provider.port, pool })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/**
 * What the caller gets: the bytes as they were sent, an error of the table, that error as the last event
 * of a stream, or the provider's own status and body.
 */
type Fate = 'right' | ErrorCode | { readonly event: ErrorCode } | { readonly status: number }
/** Of a whole answer and of a stream; undefined where the deed is about events alone. */
type Fates = Fate | readonly [whole: Fate | undefined, stream: Fate]

const early = { event: 'upstream-early-end' } as const

const fates: Readonly<Record<DeedName, Fates>> = {
  'no HTTP': 'upstream-garbage',
  'HTTP/0.9': 'upstream-garbage',
  'a version that there is not': 'upstream-garbage',
  'a status that is no number': 'upstream-garbage',
  'a status of two digits': 'upstream-garbage',
  'a header without a colon': 'upstream-garbage',
  'a space in the name of a header': 'upstream-garbage',
  'NUL in a header': 'upstream-garbage',
  'a head that ends in its middle': 'upstream-reset',
  'a connection closed without a word': 'upstream-reset',
  'a connection reset without a word': 'upstream-reset',
  'two lengths': 'upstream-reset',
  'a length and chunks': 'upstream-reset',
  'a length below zero': 'upstream-garbage',
  'a chunk whose size is no number': 'upstream-reset',
  'a body shorter than its length': ['upstream-reset', { event: 'upstream-reset' }],
  'a body longer than its length': 'right',
  'headers without an end': 'upstream-garbage',
  'a thousand headers': 'right',
  // undici ends the connection at it.
  'a 100 nobody has asked for': 'upstream-reset',
  'a 102 and a 103': 'right',
  'a 101': 'upstream-reset',
  'a 204': 'upstream-garbage',
  'a 205': 'upstream-garbage',
  'a 206': 'upstream-garbage',
  'a 301': 'upstream-redirect',
  'a 304': 'upstream-redirect',
  'a 307 to itself': 'upstream-redirect',
  'a status of 999': 'upstream-garbage',
  'a status of 600': 'upstream-garbage',
  'nothing in a 200': 'upstream-garbage',
  'nothing in a 200, chunked': ['upstream-garbage', 'upstream-early-end'],
  'a page in a 200': 'upstream-garbage',
  'a page that is called right': ['upstream-garbage', 'upstream-early-end'],
  'a large page in a 200': 'upstream-garbage',
  // What a provider says of an error passes as it came.
  'a page in a 500': { status: 500 },
  'a type in capitals': 'right',
  'no type': ['right', 'upstream-garbage'],
  'a type of plain text': ['right', 'upstream-garbage'],
  'the other kind of answer': 'upstream-garbage',
  'an array for an answer': ['upstream-garbage', 'upstream-early-end'],
  'null for an answer': ['upstream-garbage', 'upstream-early-end'],
  'gzip in spite of us': 'upstream-garbage',
  'much gzip in spite of us': 'upstream-garbage',
  'what it calls brotli': 'upstream-garbage',
  'identity, said aloud': 'right',
  'HTTP/1.0, ended by closing': 'right',
  'an end by closing': 'right',
  'an event of 10 MB': [undefined, 'right'],
  'a large event that speaks of events': [undefined, 'right'],
  'an event without an end': [undefined, early],
  'an event of which there is no end': ['upstream-garbage', early],
  // In one piece with the content before it: nothing had been given to the caller.
  'NUL in an event': [undefined, 'upstream-garbage'],
  'bytes that are no UTF-8': [undefined, 'right'],
  'an event that is no JSON': [undefined, 'upstream-garbage'],
  'comments, unknown fields and empty events': [undefined, 'right'],
  'two ends': [undefined, 'right'],
  'events behind the end': [undefined, 'right'],
  'an end alone': 'right',
}

let count = 0

async function askFor(deed: DeedName, { dialect, stream }: Asked) {
  const id = `deed-${++count}`
  const { path, body } = questionOf(dialect, { name: 'raw', count: 6, stream })
  const seen = await ask(pair.port, { path, body, headers: { 'x-deed': deed, 'x-request-id': id } })
  return { seen, id }
}

/** The error object of a body or an event, in the shape of the caller's dialect. */
function isError(text: string, code: ErrorCode, { dialect }: Asked): void {
  const { error, type } = JSON.parse(text)
  assert.equal(type, dialect === 'messages' ? 'error' : undefined)
  assert.deepEqual(
    [error.code, typeof error.message, typeof error.type],
    [code, 'string', 'string'],
  )
}

function isFate(fate: Fate, seen: Seen, { id, asked }: { id: string; asked: Asked }): void {
  assert.equal(seen.end, 'clean', seen.body.slice(-300))
  if (fate === 'right') {
    assert.equal(seen.status, 200, seen.body.slice(0, 300))
    // A chunked body's framing is nowhere in the table of right answers.
    assert.ok(provider.sent(id).includes(`\r\n\r\n${seen.body}`), 'other bytes than were sent')
    assert.ok(!asked.stream || seen.body.includes(asked.dialect === 'chat' ? '[DONE]' : '_stop'))
    return
  }
  if (typeof fate === 'string') {
    assert.equal(seen.status, errorTable[fate].status, seen.body.slice(0, 300))
    isError(seen.body, fate, asked)
    return
  }
  if ('status' in fate) {
    assert.equal(seen.status, fate.status)
    assert.ok(provider.sent(id).endsWith(seen.body))
    return
  }
  assert.equal(seen.status, 200)
  const last = /data: (\{.*\})\n\n$/.exec(seen.body)?.[1]
  assert.ok(last !== undefined, seen.body.slice(-300))
  isError(last, fate.event, asked)
}

function fateOf(deed: DeedName, stream: boolean): Fate | undefined {
  const fate = fates[deed]
  if (typeof fate === 'string' || !('length' in fate)) return fate
  return fate[stream ? 1 : 0]
}

function isDeed(name: string): name is DeedName {
  return Object.hasOwn(fates, name)
}

const ways: readonly Asked[] = (['chat', 'messages'] as const).flatMap((dialect) =>
  [false, true].map((stream) => ({ dialect, stream })),
)

for (const deed of Object.keys(fates).filter(isDeed)) {
  for (const asked of ways) {
    const fate = fateOf(deed, asked.stream)
    if (fate === undefined) continue
    const told = typeof fate === 'string' ? fate : JSON.stringify(fate)
    const what = `${asked.stream ? 'a stream' : 'a whole answer'} of ${asked.dialect}`
    test(`${deed} in place of ${what}: ${told}`, async () => {
      const { seen, id } = await askFor(deed, asked)
      isFate(fate, seen, { id, asked })
      assert.equal(provider.tries(id), 1)
    })
  }
}

test('after all of it no call is in flight, and each was counted once', async () => {
  await isIdle(pair)
  for (const half of [pair.sidecar, pair.ambassador]) {
    let seen = 0
    await half.line(({ msg }) => msg === 'call' && ++seen === count)
    const ids = half.lines.filter(({ msg }) => msg === 'call').map(({ call }) => call)
    assert.equal(new Set(ids).size, ids.length)
    assert.equal(ids.length, count)
  }
})
