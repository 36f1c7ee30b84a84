import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { systemClock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, readBody } from '#shared/http/body.ts'
import { Origins } from '#shared/http/client.ts'
import { startServer } from '#shared/http/server.ts'
import { TlsDirectory } from '#shared/http/tls-directory.ts'
import { TrustFile } from '#shared/http/tls-trust.ts'
import { Addresses } from '../../../sidecar/addresses/addresses.ts'
import { manualClock } from '../../manual-clock.ts'
import { authority, CertificateVolume, leafOf } from '../../shared/http/certificate-volume.ts'
import { sidecarOf } from './stage.ts'

const silent = { info() {}, error() {} }
const [one, two] = await Promise.all([authority('one'), authority('two')])

/** A body that ends when the test says so. */
class SlowBody implements Body {
  end: () => void = () => {}

  pipe(sink: Parameters<Body['pipe']>[0]): void {
    sink.write(Buffer.from('begun '))
    this.end = () => {
      sink.write(Buffer.from('and ended'))
      sink.end()
    }
  }

  resume(): void {}

  cancel(): void {}
}

/** A sidecar's way to one ambassador over TLS; its files are looked at when the clock says so. */
async function stage(context: TestContext) {
  const secret = await CertificateVolume.make(context)
  const bundle = await CertificateVolume.make(context)
  const leaf = await leafOf(one)
  await secret.writePair(leaf.certificate, leaf.key)
  await bundle.writeBundle(one.certificate)
  const slow: SlowBody[] = []
  const directory = new TlsDirectory({
    directory: secret.directory,
    clock: systemClock,
    log: silent,
  })
  const server = await startServer({
    host: 'localhost',
    port: 0,
    limits: { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 },
    tls: directory.pair,
    clock: systemClock,
    service: async () => {
      const body = new SlowBody()
      slow.push(body)
      return { status: 200, headers: [], body }
    },
    open: () => ({}),
    close() {},
    onDefect: (error) => assert.fail(String(error)),
  })
  directory.follow((pair) => server.secure(pair))
  const clock = manualClock()
  const told: string[] = []
  const log = { info() {}, error: (_facts: object, message: string) => void told.push(message) }
  const origins = new Origins()
  const trust = new TrustFile({ clock, log, onChange: () => addresses.trustChanged() })
  trust.follow(bundle.bundleFile)
  const addresses = new Addresses({ origins, trust, clock })
  const sidecar = sidecarOf(`{ tls: { ca: { file: ${bundle.bundleFile} } } }`)
  const list = [`localhost:${server.port}`]
  addresses.retain(list, sidecar)
  context.after(async () => {
    trust.close()
    directory.close()
    await origins.destroy()
    server.destroy()
    await server.close()
  })
  const begin = () => {
    const endpoint = addresses.pick(list, sidecar)
    return addresses.connectionsTo(endpoint, sidecar).exchange(
      { method: 'GET', path: '/', headers: [], body: undefined },
      {
        headMs: 60_000,
        idleMs: 60_000,
        cancellation: new Cancellation(),
        clock,
        peer: 'the ambassador',
      },
    )
  }
  const call = async () => {
    const response = await begin()
    const text = readBody(response.body, 1_000)
    slow.at(-1)?.end()
    return String(await text)
  }
  /** The server proves its name by another authority from here on. */
  const reissue = async () => {
    const other = await leafOf(two)
    await secret.writePair(other.certificate, other.key)
    assert.ok(directory.check())
    server.secure(directory.pair)
  }
  return { bundle, clock, told, slow, begin, call, reissue }
}

test('authorities replaced while a call runs hold for connections to come, and it ends in order', async (context) => {
  const { bundle, clock, slow, begin, call, reissue } = await stage(context)
  const response = await begin()
  const text = readBody(response.body, 1_000)
  const [running] = slow
  await reissue()
  // Whoever trusts only the old authority can begin no connection.
  const refused = await call().catch((error: unknown) => error)
  assert.ok(refused instanceof CallError)
  assert.equal(refused.code, 'upstream-untrusted')
  await bundle.writeBundle(two.certificate)
  clock.advance(10_000)
  assert.equal(await call(), 'begun and ended')
  running?.end()
  assert.equal(String(await text), 'begun and ended')
})

test('a kept connection that trusted the last authorities carries no further call', async (context) => {
  const { bundle, clock, told, call } = await stage(context)
  assert.equal(await call(), 'begun and ended')
  await bundle.writeBundle(two.certificate)
  clock.advance(10_000)
  const refused = await call().catch((error: unknown) => error)
  assert.ok(refused instanceof CallError)
  assert.equal(refused.code, 'upstream-untrusted')
  assert.deepEqual(told, [])
})

test('a broken file of authorities is told once, and calls go on with the last good ones', async (context) => {
  const { bundle, clock, told, call } = await stage(context)
  assert.equal(await call(), 'begun and ended')
  await bundle.writeBundle('-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n')
  for (let round = 0; round < 3; round++) {
    clock.advance(10_000)
    assert.equal(await call(), 'begun and ended')
  }
  assert.deepEqual(told, ['Cannot use the authorities: the last ones stay'])
  await bundle.writeBundle(one.certificate, two.certificate)
  clock.advance(10_000)
  assert.equal(await call(), 'begun and ended')
})
