import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import type { KeyPair } from '#deploy/certificates/x509.ts'
import { TlsDirectory, type TlsPair } from '#shared/http/tls-directory.ts'
import { TrustFile } from '#shared/http/tls-trust.ts'
import { manualClock } from '../../manual-clock.ts'
import { authority, CertificateVolume, leafOf } from './certificate-volume.ts'

const [one, two] = await Promise.all([authority('one'), authority('two')])
const [first, second] = await Promise.all([leafOf(one), leafOf(one)])

const told: string[] = []
const tell = (fields: object, msg: string) => void told.push(`${msg} ${JSON.stringify(fields)}`)
const log = { info: tell, error: tell }
const errors = () => told.splice(0).filter((line) => line.startsWith('Cannot'))

test('a new pair is in force within ten seconds of its swap', async (context) => {
  const volume = await CertificateVolume.make(context)
  await volume.writePair(first.certificate, first.key)
  const clock = manualClock()
  const directory = new TlsDirectory({ directory: volume.directory, clock, log })
  const changes: TlsPair[] = []
  directory.follow((pair) => void changes.push(pair))
  assert.equal(directory.pair.cert, first.certificate)
  clock.advance(30_000)
  assert.deepEqual(changes, [])
  await volume.writePair(second.certificate, second.key)
  clock.advance(10_000)
  assert.deepEqual(
    changes.map(({ cert }) => cert),
    [second.certificate],
  )
  directory.close()
  assert.equal(clock.pending(), 0)
})

const { certificate, key } = second
const unusable: Readonly<Record<string, readonly [cert: string, key: string]>> = {
  'whose key is another’s': [certificate, first.key],
  'whose certificate is cut': [certificate.slice(0, 200), key],
  'whose key is cut': [certificate, key.slice(0, 100)],
  'of empty files': ['', ''],
  'of the key twice': [key, key],
}
for (const [what, pair] of Object.entries(unusable)) {
  test(`a pair ${what} leaves the last one, and is told once without its text`, async (context) => {
    const volume = await CertificateVolume.make(context)
    await volume.writePair(first.certificate, first.key)
    const directory = new TlsDirectory({ directory: volume.directory, clock: manualClock(), log })
    told.length = 0
    await volume.writePair(...pair)
    directory.check()
    directory.check()
    const lines = errors()
    assert.equal(lines.length, 1)
    assert.doesNotMatch(lines.join(), /BEGIN|PRIVATE/)
    assert.equal(directory.pair.cert, first.certificate)
    await volume.writePair(certificate, key)
    directory.check()
    assert.equal(directory.pair.cert, certificate)
  })
}

test('a pair that has expired replaces none', async (context) => {
  const volume = await CertificateVolume.make(context)
  await volume.writePair(first.certificate, first.key)
  const clock = manualClock()
  const directory = new TlsDirectory({ directory: volume.directory, clock, log })
  const expired = await leafOf(one, ['localhost'], { from: 0, until: clock.wall() - 1_000 })
  told.length = 0
  await volume.writePair(expired.certificate, expired.key)
  directory.check()
  assert.match(errors().join(), /expired/)
  assert.equal(directory.pair.cert, first.certificate)
})

test('files that are gone leave the last pair', async (context) => {
  const volume = await CertificateVolume.make(context)
  await volume.writePair(first.certificate, first.key)
  const directory = new TlsDirectory({ directory: volume.directory, clock: manualClock(), log })
  told.length = 0
  await rm(volume.directory, { recursive: true })
  directory.check()
  assert.match(errors().join(), /tls\.crt does not exist/)
  assert.equal(directory.pair.cert, first.certificate)
})

test('without a pair that can be used a server does not start', async (context) => {
  const volume = await CertificateVolume.make(context)
  const { directory } = volume
  const start = () => new TlsDirectory({ directory, clock: manualClock(), log })
  assert.throws(start, /Cannot serve TLS .* does not exist/)
  await volume.writePair(first.certificate, second.key)
  assert.throws(start, /tls\.key is not the key of tls\.crt/)
})

/** A trust that follows `volume`. */
function following(volume: CertificateVolume) {
  const clock = manualClock()
  let changes = 0
  const trust = new TrustFile({ clock, log, onChange: () => changes++ })
  trust.follow(volume.bundleFile)
  told.length = 0
  return { clock, trust, changes: () => changes }
}

const certificates = (pairs: readonly KeyPair[]) => pairs.map((pair) => pair.certificate)

test('other authorities are in force within ten seconds of their swap', async (context) => {
  const volume = await CertificateVolume.make(context)
  await volume.writeBundle(one.certificate)
  const { clock, trust, changes } = following(volume)
  const before = trust.current?.id
  clock.advance(60_000)
  assert.deepEqual([trust.current?.id, changes()], [before, 0])
  await volume.writeBundle(...certificates([one, two]))
  clock.advance(10_000)
  assert.equal(changes(), 1)
  assert.notEqual(trust.current?.id, before)
  trust.close()
  assert.deepEqual([trust.current, clock.pending()], [undefined, 0])
})

test('text around the certificates makes no other authorities of them', async (context) => {
  const volume = await CertificateVolume.make(context)
  await volume.writeBundle(one.certificate)
  const { clock, changes } = following(volume)
  await volume.writeBundle(`# ours\n${one.certificate}\n`)
  clock.advance(10_000)
  assert.equal(changes(), 0)
})

const badBundles = {
  'is empty': '',
  'holds a certificate that is cut': `${one.certificate}${two.certificate.replace(/\n[^\n]+\n-----END/, '\n-----END')}`,
  'holds a key': one.key,
  'holds 65 certificates': one.certificate.repeat(65),
}
for (const [what, text] of Object.entries(badBundles)) {
  test(`a bundle that ${what} leaves the last authorities, and is told once`, async (context) => {
    const volume = await CertificateVolume.make(context)
    await volume.writeBundle(one.certificate)
    const { clock, trust, changes } = following(volume)
    const before = trust.current
    await volume.writeBundle(text)
    clock.advance(10_000)
    clock.advance(60_000)
    assert.equal(errors().length, 1)
    assert.deepEqual([trust.current, changes()], [before, 0])
  })
}

test('a bundle that comes late is taken', async (context) => {
  const volume = await CertificateVolume.make(context)
  const { clock, trust, changes } = following(volume)
  assert.equal(trust.current, undefined)
  await volume.writeBundle(one.certificate)
  clock.advance(10_000)
  assert.equal(changes(), 1)
  assert.ok(trust.current !== undefined)
})
