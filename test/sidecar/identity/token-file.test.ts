import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { TokenFile } from '#sidecar/identity/token-file.ts'
import { lifeOf } from '#sidecar/identity/token-life.ts'
import { Volume } from '../../chaos/config-writers.ts'
import { manualClock } from '../../manual-clock.ts'

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token that is good for `seconds` from `wallMs` on. */
function tokenAt(wallMs: number, seconds = 3_600, id = 'a'): string {
  const iat = Math.floor(wallMs / 1_000)
  return `${encoded({ alg: 'ES256' })}.${encoded({ iat, exp: iat + seconds, jti: id })}.c2ln`
}

/** A token of a projected volume, written as kubelet writes it. */
async function stage(context: TestContext, first: string | undefined) {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-token-'))
  const path = join(directory, 'token')
  const volume = new Volume()
  const write = (token: string) => volume.write(new Map([[path, token]]))
  if (first !== undefined) await write(first)
  const clock = manualClock()
  const lines: string[] = []
  const tell = (fields: object, msg: string) => void lines.push(`${msg} ${JSON.stringify(fields)}`)
  const file = new TokenFile({ path, clock, log: { info: tell, error: tell } })
  context.after(async () => {
    file.close()
    assert.equal(clock.pending(), 0)
    await rm(directory, { recursive: true, force: true })
  })
  return { file, clock, lines, write, remove: () => rm(directory, { recursive: true }) }
}

const wallMs = manualClock().wall()

test('a renewed token is read through the same path within ten seconds', async (context) => {
  const { file, clock, lines, write } = await stage(context, tokenAt(wallMs))
  assert.equal(file.value, tokenAt(wallMs))
  clock.advance(3_000_000)
  const next = tokenAt(clock.wall())
  await write(`${next}\n`)
  assert.notEqual(file.value, next)
  clock.advance(10_000)
  assert.equal(file.value, next)
  assert.deepEqual(lines, [])
})

test('a token that comes after the start is taken', async (context) => {
  const { file, clock, lines, write } = await stage(context, undefined)
  assert.deepEqual([file.value, file.leftSeconds], [undefined, undefined])
  assert.match(lines.join(), /does not exist/)
  await write(tokenAt(wallMs))
  clock.advance(10_000)
  assert.equal(file.value, tokenAt(wallMs))
  assert.match(lines.at(-1) ?? '', /good again/)
})

test('a refused token is looked for anew at once, at most every second', async (context) => {
  const old = tokenAt(wallMs)
  const { file, clock, write } = await stage(context, old)
  assert.equal(file.otherThan(old), undefined)
  await write(tokenAt(wallMs, 3_600, 'b'))
  clock.advance(999)
  assert.equal(file.otherThan(old), undefined)
  clock.advance(1)
  assert.equal(file.otherThan(old), tokenAt(wallMs, 3_600, 'b'))
  // Another call has read it already.
  assert.equal(file.otherThan(old), tokenAt(wallMs, 3_600, 'b'))
})

test('a token that kubelet renews in time is no trouble, at 80 % of an hour or 86 % of ten minutes', async (context) => {
  for (const [lifeSeconds, share] of [
    [3_600, 0.84],
    [600, 0.86],
  ] as const) {
    const { clock, lines, write } = await stage(context, tokenAt(wallMs, lifeSeconds))
    clock.advance(lifeSeconds * 1_000 * share)
    await write(tokenAt(clock.wall(), lifeSeconds))
    clock.advance(10_000)
    assert.deepEqual(lines, [])
  }
})

test('a token that is not renewed is told of once a minute, from a tenth of its life on', async (context) => {
  const { file, clock, lines, write } = await stage(context, tokenAt(wallMs, 3_600))
  clock.advance(3_240_000)
  assert.deepEqual(lines, [])
  clock.advance(180_000)
  assert.equal(lines.length, 3)
  assert.match(lines[0] ?? '', /expires soon and was not renewed.*"expiresSeconds":350/)
  assert.equal(file.leftSeconds, 180)
  clock.advance(200_000)
  assert.match(lines.at(-1) ?? '', /has expired/)
  assert.equal(file.leftSeconds, 0)
  // The ambassador says what it thinks of it.
  assert.equal(file.value, tokenAt(wallMs, 3_600))
  await write(tokenAt(clock.wall()))
  clock.advance(10_000)
  assert.match(lines.at(-1) ?? '', /good again/)
})

test('a file that is gone or holds no token leaves the last one, and is told of', async (context) => {
  const { file, clock, lines, write, remove } = await stage(context, tokenAt(wallMs))
  for (const text of ['', '\n', 'two words', 'x'.repeat(9_000), 'a\u0000b']) {
    await write(text)
    clock.advance(70_000)
    assert.equal(file.value, tokenAt(wallMs))
    assert.match(lines.splice(0).join(), /holds no token/)
  }
  await remove()
  clock.advance(10_000)
  assert.equal(file.value, tokenAt(wallMs))
  assert.match(lines.join(), /does not exist/)
})

test('a token that is no JWT is used, and says nothing of its end', async (context) => {
  const { file, clock, lines } = await stage(context, 'opaque')
  clock.advance(86_400_000)
  assert.deepEqual([file.value, file.leftSeconds, lines], ['opaque', undefined, []])
})

test('nothing that stands in a token throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.json(), (text, json) => {
      lifeOf(text)
      lifeOf(`a.${Buffer.from(json).toString('base64url')}.b`)
    }),
  )
  for (const claims of [null, [], 7, { exp: '1', iat: 1 }, { exp: 1 }, { exp: null, iat: 1 }]) {
    assert.equal(lifeOf(`a.${encoded(claims)}.b`), undefined)
  }
  assert.deepEqual(lifeOf(`a.${encoded({ exp: 2, nbf: 1 })}.b`), {
    fromSeconds: 1,
    untilSeconds: 2,
  })
})
