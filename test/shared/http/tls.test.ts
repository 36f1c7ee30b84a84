import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect, createServer as createTlsServer } from 'node:tls'
import { Cancellation } from '#shared/call/cancellation.ts'
import { systemClock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, bytesBody, readBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type OriginOptions, Origins } from '#shared/http/client.ts'
import { header } from '#shared/http/headers.ts'
import { type HttpServer, startServer } from '#shared/http/server.ts'
import { TlsDirectory } from '#shared/http/tls-directory.ts'
import { TrustFile } from '#shared/http/tls-trust.ts'
import { authority, CertificateVolume, leafOf } from './certificate-volume.ts'

const log = { info() {}, error() {} }
const [one, two, three] = await Promise.all([
  authority('one'),
  authority('two'),
  authority('three'),
])

const limits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }

/** Ten pieces, one for each turn of the event loop. */
function slowBody(): Body {
  return {
    pipe(sink) {
      let left = 10
      const step = () => {
        sink.write(Buffer.from('piece '))
        if (--left === 0) sink.end()
        else setImmediate(step)
      }
      step()
    },
    resume() {},
    cancel() {},
  }
}

async function answer(request: CallRequest): Promise<CallResponse> {
  const closing = header(request.headers, 'x-close') === undefined ? [] : ['connection', 'close']
  const isStream = header(request.headers, 'x-stream') !== undefined
  const body = isStream ? slowBody() : bytesBody(Buffer.from('whole'))
  return { status: 200, headers: [...closing], body }
}

/** A server and a client, each with its volume, over TLS on both loopback addresses. */
class Line {
  readonly secret: CertificateVolume
  readonly bundle: CertificateVolume
  readonly origins = new Origins()
  readonly trust: TrustFile
  readonly #directory: TlsDirectory
  readonly #server: HttpServer

  constructor(parts: {
    secret: CertificateVolume
    bundle: CertificateVolume
    directory: TlsDirectory
    server: HttpServer
  }) {
    this.secret = parts.secret
    this.bundle = parts.bundle
    this.#directory = parts.directory
    this.#server = parts.server
    parts.directory.follow((pair) => parts.server.secure(pair))
    this.trust = new TrustFile({ clock: systemClock, log, onChange() {} })
    this.trust.follow(this.bundle.bundleFile)
  }

  get port(): number {
    return this.#server.port
  }

  get options(): OriginOptions {
    const { current } = this.trust
    const connections = { connectMs: 10_000, keepAliveMs: 55_000, connectionsMax: 64 }
    return { ...connections, headBytesMax: 16 * 1024, trust: current }
  }

  /** Both sides look at their files, as they do every ten seconds. */
  look(): void {
    if (this.#directory.check()) this.#server.secure(this.#directory.pair)
    this.trust.follow(this.bundle.bundleFile)
    this.origins.retain([[this.origin, this.options]])
  }

  get origin(): string {
    return `https://localhost:${this.port}`
  }

  async call(headers: string[] = [], origin = this.origin): Promise<string> {
    const response = await this.origins.exchange(
      { origin, method: 'GET', path: '/', headers, body: undefined },
      this.options,
      {
        headMs: 30_000,
        idleMs: 30_000,
        cancellation: new Cancellation(),
        clock: systemClock,
        peer: 'the server',
      },
    )
    return String(await readBody(response.body, 1_000))
  }

  async close(): Promise<void> {
    this.#directory.close()
    this.trust.close()
    await this.origins.destroy()
    this.#server.destroy()
    await this.#server.close()
  }
}

async function startLine(context: TestContext, names = ['localhost']): Promise<Line> {
  const secret = await CertificateVolume.make(context)
  const bundle = await CertificateVolume.make(context)
  const leaf = await leafOf(one, names)
  await secret.writePair(leaf.certificate, leaf.key)
  await bundle.writeBundle(one.certificate)
  const directory = new TlsDirectory({ directory: secret.directory, clock: systemClock, log })
  const server = await startServer({
    host: 'localhost',
    port: 0,
    limits,
    tls: directory.pair,
    clock: systemClock,
    service: answer,
    open: () => ({}),
    close() {},
    onDefect: (error) => assert.fail(String(error)),
  })
  const line = new Line({ secret, bundle, directory, server })
  context.after(() => line.close())
  return line
}

/** The code and the cause of a call that fails. */
async function failure(call: Promise<unknown>): Promise<readonly unknown[]> {
  const thrown: unknown = await call.then(
    () => assert.fail('it was answered'),
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof CallError, String(thrown))
  return [thrown.code, thrown.facts['cause']]
}

test('a thousand calls, streams among them, go on while certificate and authority are replaced', async (context) => {
  const line = await startLine(context)
  const wanted = { whole: 0, streamed: 0 }
  const replacements: readonly (() => Promise<void>)[] = [
    // The new authority is trusted before anything comes from it, the old one until nothing does.
    () => line.bundle.writeBundle(one.certificate, two.certificate),
    async () => {
      const leaf = await leafOf(two)
      await line.secret.writePair(leaf.certificate, leaf.key)
    },
    () => line.bundle.writeBundle(two.certificate),
    async () => {
      const leaf = await leafOf(two)
      await line.secret.writePair(leaf.certificate, leaf.key)
    },
    () => line.bundle.writeBundle(two.certificate, three.certificate),
  ]
  let next = 0
  const worker = async () => {
    while (next < 1_000) {
      const number = next++
      if (number % 180 === 90) {
        await replacements[(number - 90) / 180]?.()
        line.look()
      }
      const isStream = number % 3 === 0
      const headers = isStream ? ['x-stream', '1'] : []
      // New connections at every moment, beside those that are kept.
      const text = await line.call(number % 5 === 0 ? [...headers, 'x-close', '1'] : headers)
      assert.equal(text, isStream ? 'piece '.repeat(10) : 'whole')
      if (isStream) wanted.streamed++
      else wanted.whole++
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  assert.deepEqual(wanted, { whole: 666, streamed: 334 })
})

test('a certificate from an authority that is not trusted fails the call unsent', async (context) => {
  const line = await startLine(context)
  await line.bundle.writeBundle(two.certificate)
  line.look()
  const [code] = await failure(line.call())
  assert.equal(code, 'upstream-untrusted')
})

test('a certificate of another name fails the call unsent', async (context) => {
  const line = await startLine(context, ['ambassador-openai.outrigger-system'])
  const seen = await failure(line.call())
  assert.deepEqual(seen, ['upstream-untrusted', 'ERR_TLS_CERT_ALTNAME_INVALID'])
})

test('an address that the certificate does not name fails the call', async (context) => {
  const line = await startLine(context)
  const [code] = await failure(line.call([], `https://127.0.0.1:${line.port}`))
  assert.equal(code, 'upstream-untrusted')
})

test('a server that speaks no TLS is a connection that fails, with a short reason', async (context) => {
  const line = await startLine(context)
  const plain = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  plain.listen(0, 'localhost')
  await once(plain, 'listening')
  context.after(() => plain.close())
  const address = plain.address()
  assert.ok(typeof address === 'object' && address !== null)
  const [code, cause] = await failure(line.call([], `https://localhost:${address.port}`))
  assert.equal(code, 'connect-failed')
  assert.match(String(cause), /^[A-Z0-9_]{3,60}$/)
})

test('a server that speaks only TLS 1.2 is not called', async (context) => {
  const line = await startLine(context)
  const leaf = await leafOf(one)
  const old = createTlsServer({ cert: leaf.certificate, key: leaf.key, maxVersion: 'TLSv1.2' })
  old.listen(0, 'localhost')
  await once(old, 'listening')
  context.after(() => old.close())
  const address = old.address()
  assert.ok(typeof address === 'object' && address !== null)
  const [code] = await failure(line.call([], `https://localhost:${address.port}`))
  assert.equal(code, 'connect-failed')
})

test('the server speaks TLS 1.3 and HTTP/1.1, and nothing below or beside', async (context) => {
  const line = await startLine(context)
  const place = { port: line.port, host: '127.0.0.1', servername: 'localhost', ca: one.certificate }
  const socket = connect({ ...place, ALPNProtocols: ['h2', 'http/1.1'] })
  await once(socket, 'secureConnect')
  assert.deepEqual([socket.getProtocol(), socket.alpnProtocol], ['TLSv1.3', 'http/1.1'])
  socket.destroy()
  const old = connect({ ...place, maxVersion: 'TLSv1.2' })
  await assert.rejects(once(old, 'secureConnect'))
})

test('a caller that speaks plain HTTP to it is hung up on, and others are served', async (context) => {
  const line = await startLine(context)
  const socket = connectPlain(line.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => {})
  await new Promise((closed) => socket.once('close', closed))
  // At most an alert of TLS: no answer that somebody could take for the server's.
  assert.doesNotMatch(Buffer.concat(chunks).toString('latin1'), /HTTP/)
  assert.equal(await line.call(), 'whole')
})

test('what the parser refuses over TLS is answered from the table', async (context) => {
  const line = await startLine(context)
  const place = { port: line.port, host: '127.0.0.1', servername: 'localhost' }
  const socket = connect({ ...place, ca: one.certificate })
  await once(socket, 'secureConnect')
  socket.write('nonsense\r\n\r\n')
  const [chunk] = await once(socket, 'data')
  assert.match(String(chunk), /^HTTP\/1\.1 400 malformed-request/)
  socket.destroy()
})
