import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { type Asking, askings, goodQuestion } from './bad-input-bodies.ts'
import { plainProvider } from './bad-input-idle.ts'
import { callOf, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startPair({ provider: provider.port, pool: plainProvider(provider.port) })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

let count = 0

/** Asks with bytes as they are; gives the answer and what the provider heard of it. */
async function asked(path: string, body: Buffer, headers: Readonly<Record<string, string>> = {}) {
  const id = `otherwise-${++count}`
  const response = await fetch(`http://127.0.0.1:${pair.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': id, ...headers },
    body: new Uint8Array(body),
  })
  return { status: response.status, text: await response.text(), heard: callOf(provider, id) }
}

function questionOf(asking: Asking): Buffer {
  return Buffer.from(JSON.stringify(goodQuestion(asking)))
}

/** The ways in which a surface may be written, besides its own. */
function spellingsOf({ path, family }: Asking): readonly string[] {
  const short = path.slice('/v1'.length)
  return [short, `/${family}${path}`, `/${family}${short}`]
}

/** What its own surface asks of the provider, if anything. */
async function usual(asking: Asking) {
  const seen = await asked(asking.path, questionOf(asking))
  assert.equal(seen.status, 200, seen.text)
  // A count may be the sidecar's own.
  if (!asking.path.endsWith('_tokens')) assert.equal(seen.heard?.path, asking.path)
  return seen
}

for (const asking of askings) {
  test(`${asking.path} has its vendor's name before it, no version, or both`, async () => {
    const { heard } = await usual(asking)
    for (const path of spellingsOf(asking)) {
      const other = await asked(path, questionOf(asking))
      assert.equal(other.status, 200, `${path}: ${other.text}`)
      assert.deepEqual(
        [other.heard?.path, other.heard?.bodyText],
        [heard?.path, heard?.bodyText],
        path,
      )
    }
  })
}

const codings = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  'deflate without its frame': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const

for (const asking of askings) {
  test(`a question of ${asking.path} may be packed in every coding, and goes on plain`, async () => {
    const { heard } = await usual(asking)
    for (const [name, pack] of Object.entries(codings)) {
      const coding = { 'content-encoding': name.split(' ')[0] ?? name }
      const other = await asked(asking.path, pack(questionOf(asking)), coding)
      assert.equal(other.status, 200, `${name}: ${other.text}`)
      assert.equal(other.heard?.headers['content-encoding'], undefined)
      assert.equal(other.heard?.bodyText, heard?.bodyText, name)
    }
  })
}
