import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import { discard } from '#shared/http/body.ts'
import type { Connections } from '#shared/http/connections.ts'
import { header } from '#shared/http/headers.ts'
import { type Endpoint, trialMs } from './endpoint.ts'

/** Asks one server whether it is back, and tells `endpoint`. Never rejects. */
export type Trial = (endpoint: Endpoint, connections: Connections, clock: Clock) => Promise<void>

/** Without a token: a refusal proves as well that a process answers, and no line is logged of it. */
const question = {
  method: 'POST',
  path: '/v1/outrigger/heartbeat',
  headers: ['content-length', '0'],
  body: undefined,
} as const

/**
 * Asks with a question that nobody waits for: a server that takes connections and then hangs would
 * else take a call's time, up to its deadline.
 */
export const trial: Trial = async (endpoint, connections, clock) => {
  const sentMs = clock.now()
  const cancellation = new Cancellation()
  const limits = { headMs: trialMs, idleMs: trialMs, cancellation, clock, peer: 'a server' }
  try {
    const { headers, body } = await connections.exchange(
      { ...question, headers: [...question.headers] },
      limits,
    )
    discard(body)
    if (header(headers, 'connection') === 'close') endpoint.leave(clock)
    else endpoint.succeed(sentMs)
  } catch {
    // Whatever it was: nobody waits for this, and a rejection that nobody hears would end the process.
    endpoint.fail(clock)
  }
}
