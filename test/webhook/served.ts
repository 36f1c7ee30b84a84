import { once } from 'node:events'
import { request } from 'node:https'
import type { TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { advance, bundleOf } from '#deploy/certificates/authorities.ts'
import { issue } from '#deploy/certificates/leaf.ts'
import { type ServeLimits, serveLimits } from '#deploy/webhook/limits.ts'
import { serve } from '#deploy/webhook/serve.ts'
import type { TlsPair } from '#shared/http/tls-directory.ts'
import { manualClock } from '../manual-clock.ts'

export const reviewText = JSON.stringify({
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: { uid: 'u-1', namespace: 'shop', operation: 'CREATE', object: {} },
})

export interface Certified {
  readonly ca: string
  readonly pair: TlsPair
}

/** A server's pair for 127.0.0.1's name, of an authority of its own. */
export async function certified(): Promise<Certified> {
  const authorities = await advance(undefined, Date.now())
  const leaf = await issue(authorities, ['localhost'], { nowMs: Date.now() })
  const pair = { cert: leaf.certificate, key: leaf.key, expiresMs: Number.MAX_SAFE_INTEGER }
  return { ca: bundleOf(authorities), pair }
}

/** A webhook that allows everything, and when the first body's deadline was set and undone. */
export async function served(
  t: TestContext,
  limits: Partial<ServeLimits>,
  clientAuthority?: string,
) {
  const { ca, pair } = await certified()
  const clock = manualClock()
  const { promise: reading, resolve } = Promise.withResolvers<void>()
  const { promise: freed, resolve: free } = Promise.withResolvers<void>()
  const server = await serve({
    host: '127.0.0.1',
    port: 0,
    pair,
    clientAuthority,
    judges: { '/inject': () => ({ kind: 'allow' }) },
    clock: {
      after(delayMs, action) {
        const undo = clock.after(delayMs, action)
        resolve()
        return () => {
          undo()
          free()
        }
      },
    },
    limits: { ...serveLimits, ...limits },
  })
  t.after(() => server.close())
  return { server, port: server.port, ca, clock, reading, freed }
}

export interface Caller {
  readonly port: number
  readonly ca: string
  /** Any of 127.0.0.0/8. */
  readonly from?: string
  readonly cert?: string
  readonly key?: string
}

/** The status of one review on a connection of its own. Rejects where there is no answer. */
export function statusOf({ from, ...caller }: Caller): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...caller,
        ...(from === undefined ? {} : { localAddress: from }),
        host: '127.0.0.1',
        servername: 'localhost',
        path: '/inject?timeout=5s',
        method: 'POST',
        agent: false,
      },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    asked.on('error', reject)
    asked.end(reviewText)
  })
}

/** A connection with its handshake done; it is destroyed with the test. */
export async function handshaken(t: TestContext, { from, ...caller }: Caller): Promise<TLSSocket> {
  const options = from === undefined ? {} : { localAddress: from }
  const socket = connect({ ...caller, ...options, host: '127.0.0.1', servername: 'localhost' })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  return socket
}

/** All that comes until the connection ends. */
export function untilClosed(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.once('close', () => resolve(text))
  })
}
