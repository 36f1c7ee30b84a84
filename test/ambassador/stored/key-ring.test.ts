import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyRing } from '#ambassador/stored/key-ring.ts'
import { parseConfig } from '#shared/config/load.ts'
import { readSecrets } from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { createLog } from '#shared/telemetry/access-log.ts'
import { manualClock } from '../../manual-clock.ts'

const environment = { LONG: 'x'.repeat(32), OTHER: 'y'.repeat(32), SHORT: 'x'.repeat(31) }
const holder = { tenant: 'team-a', provider: 'pool', credential: '' }
const claim = { tenant: 'team-a', provider: 'pool', credentials: [''] }

function snapshotOf(secrets: readonly string[]): Snapshot {
  const parsed = parseConfig(JSON.stringify({ storedIds: { secrets } }), 'test')
  assert.ok(parsed.ok)
  const { config } = parsed
  const read = readSecrets(config.storedIds.secrets, '/', environment)
  return { generation: 1, hash: '', config, secrets: read, since: 0, from: '' }
}

function ringOf() {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLog({ level: 'info', half: 'ambassador', clock: manualClock(), destination })
  return { ring: new KeyRing(log), lines }
}

test('without a key the process has one of its own, and says once what that means', () => {
  const { ring, lines } = ringOf()
  const sealed = ring.sealerOf(snapshotOf([])).seal('resp_a', holder)
  assert.ok(ring.sealerOf(snapshotOf([])).prove(sealed, claim) !== undefined)
  assert.equal(ringOf().ring.sealerOf(snapshotOf([])).prove(sealed, claim), undefined)
  assert.equal(lines.filter((line) => line.includes('end with this process')).length, 1)
  assert.match(JSON.stringify(ring.status()), /"own".*no other replica knows them/)
})

test('a first key that cannot be used is told by name, and no other takes its place', () => {
  const { ring, lines } = ringOf()
  for (const [name, state] of [
    ['SHORT', 'is shorter than 32 bytes'],
    ['ABSENT', 'has no value'],
  ] as const) {
    assert.throws(
      () => ring.sealerOf(snapshotOf([name, 'LONG'])),
      (error: unknown) => {
        assert.ok(error instanceof CallError && error.code === 'not-configured')
        assert.equal(error.message, `Cannot seal stored ids: 'env:${name}' ${state}`)
        return true
      },
    )
  }
  assert.ok(!lines.join('').includes('xxxx'))
})

test('a further key that cannot be used is passed over, and told', () => {
  const { ring } = ringOf()
  const sealed = ring.sealerOf(snapshotOf(['LONG'])).seal('resp_a', holder)
  assert.ok(ring.sealerOf(snapshotOf(['LONG', 'SHORT'])).prove(sealed, claim) !== undefined)
  assert.match(JSON.stringify(ring.status()), /"usable":1,"unusable":\["'env:SHORT'/)
  assert.ok(ring.sealerOf(snapshotOf(['OTHER', 'LONG'])).prove(sealed, claim) !== undefined)
})
