import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brotliCompressSync,
  constants,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { BodyLedger, receive } from '#shared/http/receive.ts'
import { manualClock } from '../../manual-clock.ts'

const limits = { bytesMax: 100_000, receiveMs: 1_000, allBytesMax: 1_000_000 }
const text = JSON.stringify({ model: 'tiny', messages: 'ünïcode '.repeat(500) })

/** What the layer inside gets of a body that comes in `pieces`. */
async function received(
  coding: string,
  pieces: readonly Buffer[],
  cancellation = new Cancellation(),
): Promise<string> {
  const ledger = new BodyLedger()
  const layer = receive(ledger, () => limits)
  let body: Buffer | undefined
  const service = layer((request) => {
    body = request.body
    return Promise.resolve({ status: 200, headers: [], body: bytesBody(Buffer.alloc(0)) })
  })
  const clock = manualClock()
  try {
    await service(requestOf(coding, pieces), {
      cancellation,
      clock,
      id: 'a',
      startedMs: 0,
      deadlineMs: 1_000,
      snapshot: undefined,
      atEnd: [],
      error: undefined,
    })
  } finally {
    assert.equal(ledger.heldBytes, 0)
    assert.equal(clock.pending(), 0)
  }
  return body?.toString() ?? ''
}

function requestOf(contentEncoding: string, pieces: readonly Buffer[]): CallRequest {
  const incoming: CallRequest['incoming'] = {
    declaredBytes: undefined,
    contentEncoding,
    read({ data, end }) {
      for (const piece of pieces) data(piece)
      end()
    },
    pause() {},
    resume() {},
  }
  return { method: 'POST', path: '/', query: '', headers: [], incoming, body: Buffer.alloc(0) }
}

function split(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

const packed: readonly [coding: string, bytes: Buffer][] = [
  ['identity', Buffer.from(text)],
  ['gzip', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['GZIP', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['deflate', deflateRawSync(text)],
  ['br', brotliCompressSync(text)],
  ['zstd', zstdCompressSync(text)],
]

for (const [coding, bytes] of packed) {
  test(`a body in ${coding} is read, however it is split`, async () => {
    for (const size of [1, 7, bytes.length]) {
      assert.equal(await received(coding, split(bytes, size)), text)
    }
  })
}

for (const [coding, pack] of [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const) {
  const isCode = (code: string) => (error: unknown) =>
    error instanceof CallError && error.code === code

  test(`a small body in ${coding} that becomes a large one is refused at the limit`, async () => {
    const bytes = pack(Buffer.alloc(8 * 1024 * 1024, ' '))
    await assert.rejects(received(coding, [bytes]), isCode('body-too-large'))
  })

  test(`what is no ${coding}, or ends too early, is malformed`, async () => {
    const bytes = pack(text)
    const cut = bytes.subarray(0, bytes.length - 5)
    await assert.rejects(received(coding, [Buffer.from(text)]), isCode('malformed-request'))
    await assert.rejects(received(coding, [cut]), isCode('malformed-request'))
  })
}

test('zstd that asks for a window of more than 8 MiB is refused', async () => {
  const packing = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 27 } })
  // In two pieces: of a size that is known the window is no larger than that.
  packing.write(text)
  packing.end(text)
  const pieces: Buffer[] = []
  for await (const piece of packing) pieces.push(Buffer.from(piece))
  const isWide = (error: unknown) =>
    error instanceof CallError && error.code === 'malformed-request'
  await assert.rejects(received('zstd', pieces), isWide)
})

test('several codings at once are refused with those that there are', async () => {
  await assert.rejects(received('gzip, br', [gzipSync(text)]), {
    message: /gzip, deflate, br, zstd/,
  })
})

test('the body of a call that has been cancelled is not read', async () => {
  const cancellation = new Cancellation()
  const left = new CallError('client-left', 'Cannot answer: the caller has left')
  cancellation.cancel(left)
  await assert.rejects(received('gzip', [gzipSync(text)], cancellation), left)
})
