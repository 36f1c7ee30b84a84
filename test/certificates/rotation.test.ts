import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Authorities,
  advance,
  bundleOf,
  defaultLifetimes,
  isOverdue,
  recover,
  spread,
} from '#deploy/certificates/authorities.ts'
import { issue, renewalOf } from '#deploy/certificates/leaf.ts'
import {
  readAuthorities,
  readPair,
  writeAuthorities,
  writePair,
} from '#deploy/certificates/stored.ts'
import type { KeyPair } from '#deploy/certificates/x509.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const startMs = Date.UTC(2026, 0, 1)
const names = ['ambassador-openai.outrigger-system', 'ambassador-openai.outrigger-system.svc']

/** Whether a client that trusts `bundle` would take `leaf` at `atMs`. */
function isTrusted(leaf: string, bundle: string, atMs: number): boolean {
  const certificate = new X509Certificate(leaf)
  const isValid = ({ validFromDate, validToDate }: X509Certificate) =>
    validFromDate.getTime() <= atMs && atMs <= validToDate.getTime()
  return bundle
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((part) => part.trim() !== '')
    .map((part) => new X509Certificate(part))
    .some((root) => certificate.verify(root.publicKey) && isValid(root) && isValid(certificate))
}

/** A controller that wakes now and then, with a client and a server that take what it wrote late. */
class Installation {
  state: Authorities | undefined
  leaf: KeyPair | undefined
  /** What was written when, oldest first. */
  readonly bundles: { at: number; bundle: string }[] = []
  readonly leaves: { at: number; leaf: string }[] = []

  /** One turn of the controller; `dies` after its state is kept and before anybody is told. */
  async turn(nowMs: number, end: 'whole' | 'dies'): Promise<void> {
    // As the Secret keeps it: what cannot be written down would be lost.
    const kept = this.state && readAuthorities(writeAuthorities(this.state))
    this.state = await advance(kept, nowMs)
    if (end === 'dies') return
    this.bundles.push({ at: nowMs, bundle: bundleOf(this.state) })
    this.state = spread(this.state, nowMs)
    const order = { names, held: this.leaf && readPair(writePair(this.leaf)) }
    if ((await renewalOf(order, this.state, { nowMs })) === undefined) return
    this.leaf = await issue(this.state, names, { nowMs })
    this.leaves.push({ at: nowMs, leaf: this.leaf.certificate })
  }

  /** What somebody sees who is `lagMs` behind; the first version where there is none that old. */
  seen(nowMs: number, lagMs: number): { bundle: string; leaf: string } {
    const last = <Item extends { at: number }>(items: Item[]) =>
      items.findLast(({ at }) => at <= nowMs - lagMs) ?? items[0]
    return { bundle: last(this.bundles)?.bundle ?? '', leaf: last(this.leaves)?.leaf ?? '' }
  }
}

test('no handshake fails over two years, whoever is how far behind', {
  timeout: 60_000,
}, async () => {
  const turn = fc.record({
    // A leaf is renewed ten days before its end: two such pauses and a death fit into that.
    pauseMs: fc.integer({ min: 60 * hourMs, max: 4 * dayMs }),
    end: fc.constantFrom('whole' as const, 'whole' as const, 'whole' as const, 'dies' as const),
    lagMs: fc.integer({ min: 0, max: 20 * hourMs }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 180, maxLength: 220 }), async (turns) => {
      const installation = new Installation()
      let nowMs = startMs
      await installation.turn(nowMs, 'whole')
      let before: 'whole' | 'dies' = 'whole'
      for (const { pauseMs, end: wish, lagMs } of turns) {
        const end: 'whole' | 'dies' = before === 'dies' ? 'whole' : wish
        before = end
        nowMs += pauseMs
        // Right before the controller wakes everything is at its oldest.
        const late = installation.seen(nowMs - 1, lagMs)
        const fresh = installation.seen(nowMs - 1, 0)
        assert.ok(isTrusted(fresh.leaf, late.bundle, nowMs - 1), 'a late client')
        assert.ok(isTrusted(late.leaf, fresh.bundle, nowMs - 1), 'a late server')
        await installation.turn(nowMs, end)
      }
    }),
    { numRuns: 1, endOnFailure: true },
  )
})

test('an authority signs only after every bundle had it for a day', async () => {
  const first = await advance(undefined, startMs)
  const due = startMs + 250 * dayMs
  const begun = await advance(first, due)
  assert.ok(begun.next !== undefined)
  // Nobody was told yet: however late it is, it must not sign.
  assert.equal(await advance(begun, due + 30 * dayMs), begun)
  const told = spread(begun, due + dayMs)
  assert.equal(await advance(told, due + dayMs + defaultLifetimes.spreadMs - 1), told)
  const promoted = await advance(told, due + dayMs + defaultLifetimes.spreadMs)
  assert.equal(promoted.current.certificate, begun.next.certificate)
  assert.equal(promoted.previous[0]?.certificate, first.current.certificate)
})

test('a retired authority leaves the bundle when its last leaf has ended', async () => {
  let state = spread(
    await advance(await advance(undefined, startMs), startMs + 250 * dayMs),
    startMs,
  )
  const promotedMs = startMs + 252 * dayMs
  state = await advance(state, promotedMs)
  assert.equal(state.previous.length, 1)
  const still = await advance(state, promotedMs + defaultLifetimes.leafMs - 1)
  assert.equal(still.previous.length, 1)
  const later = await advance(state, promotedMs + defaultLifetimes.leafMs)
  assert.deepEqual(later.previous, [])
})

test('a controller that was away until its authority ended begins anew', async () => {
  const first = await advance(undefined, startMs)
  const later = await advance(first, startMs + 400 * dayMs)
  assert.notEqual(later.current.certificate, first.current.certificate)
  assert.deepEqual(later.previous, [])
})

test('a leaf is renewed where it is missing, broken, for other names, of another authority or near its end', async () => {
  const state = await advance(undefined, startMs)
  const stranger = await advance(undefined, startMs)
  const held = await issue(state, names, { nowMs: startMs })
  const at = (nowMs: number, order: { names: readonly string[]; held: KeyPair | undefined }) =>
    renewalOf(order, state, { nowMs })
  assert.equal(await at(startMs, { names, held }), undefined)
  assert.equal(await at(startMs, { names: names.toReversed(), held }), undefined)
  assert.equal(await at(startMs, { names, held: undefined }), 'absent')
  assert.equal(await at(startMs, { names, held: { certificate: 'x', key: 'y' } }), 'unreadable')
  const mixed = { certificate: held.certificate, key: stranger.current.key }
  assert.equal(await at(startMs, { names, held: mixed }), 'unreadable')
  assert.equal(await at(startMs, { names: names.slice(1), held }), 'names')
  assert.equal(await at(startMs + 21 * dayMs, { names, held }), 'expiring')
  assert.equal(await renewalOf({ names, held }, stranger, { nowMs: startMs }), 'authority')
})

test('what a Secret keeps is read as it was written, and nothing else is', async () => {
  const first = await advance(undefined, startMs)
  for (const state of [first, spread(await advance(first, startMs + 250 * dayMs), startMs)]) {
    assert.deepEqual(readAuthorities(writeAuthorities(state)), state)
  }
  const encoded = (text: string) => ({ 'authorities.json': Buffer.from(text).toString('base64') })
  for (const data of [undefined, {}, encoded('{'), encoded('{"current":1}')]) {
    assert.equal(readAuthorities(data), undefined)
  }
})

test('a state whose certificate or key cannot be read is none; what else is broken is left out', async () => {
  const first = await advance(undefined, startMs)
  const begun = await advance(first, startMs + 250 * dayMs)
  assert.ok(begun.next !== undefined)
  const read = (state: Authorities) => readAuthorities(writeAuthorities(state))
  const stranger = await advance(undefined, startMs)
  for (const broken of [
    { certificate: 'garbage', key: first.current.key },
    { certificate: first.current.certificate, key: 'garbage' },
    { certificate: first.current.certificate, key: stranger.current.key },
  ]) {
    assert.equal(read({ ...first, current: broken }), undefined)
    assert.deepEqual(read({ ...begun, next: { ...broken, since: 1 } }), {
      ...begun,
      next: undefined,
    })
  }
  const previous = [{ certificate: 'garbage', until: startMs + dayMs }]
  assert.deepEqual(read({ ...first, previous }), first)
})

test('after the loss of all keys what is served stays trusted, by old bundles and by new ones', async () => {
  const before = await advance(undefined, startMs)
  const oldBundle = bundleOf(before)
  const leaf = await issue(before, names, { nowMs: startMs })
  const lostMs = startMs + 5 * dayMs
  const after = await recover(
    `${oldBundle}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    lostMs,
  )
  assert.deepEqual(after.previous, [
    {
      certificate: before.current.certificate.trim().concat('\n'),
      until: lostMs + defaultLifetimes.leafMs,
    },
  ])
  assert.ok(isTrusted(leaf.certificate, bundleOf(after), lostMs))
  const kept = readAuthorities(writeAuthorities(after))
  assert.deepEqual(kept, after)
  // The new authority is in no client's file yet: it signs once it has been spread.
  const order = { names, held: leaf }
  assert.equal(await renewalOf(order, after, { nowMs: lostMs }), undefined)
  const spreadMs = lostMs + defaultLifetimes.spreadMs
  assert.equal(await renewalOf(order, after, { nowMs: spreadMs }), 'authority')
  assert.deepEqual((await recover('', lostMs)).previous, [])
  assert.deepEqual((await recover(oldBundle, startMs + 366 * dayMs)).previous, [])
})

test('who takes no bundle holds a rotation back for a twelfth of an authority’s life', async () => {
  const first = await advance(undefined, startMs)
  assert.equal(isOverdue(first, startMs + 300 * dayMs), false)
  const dueMs = startMs + 250 * dayMs
  const begun = await advance(first, dueMs)
  assert.equal(isOverdue(begun, dueMs + 30 * dayMs), false)
  assert.equal(isOverdue(begun, dueMs + 31 * dayMs), true)
})
