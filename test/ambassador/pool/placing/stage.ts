import { type TestContext } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, type BodySink } from '#shared/http/body.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { Origins } from '#shared/http/client.ts'
import type { AmbassadorCall } from '../../../../ambassador/call.ts'
import { newCall } from '../../../../ambassador/new-call.ts'
import type { Placement } from '../../../../ambassador/pool/placing/placement.ts'
import { Placing } from '../../../../ambassador/pool/placing/placing.ts'
import {
  noMeter,
  type PlacingSettings,
  placingDefaults,
} from '../../../../ambassador/pool/placing/placing-settings.ts'
import { type ManualClock, manualClock } from '../../../manual-clock.ts'

/** No replica says anything of itself. */
export class Silent extends Origins {
  override exchange(): Promise<never> {
    return Promise.reject(new CallError('connect-failed', 'Cannot connect: refused'))
  }
}

export function setUp(
  t: TestContext | undefined,
  replicas: number,
  given: Partial<PlacingSettings> = {},
  meter = noMeter,
) {
  const clock = manualClock()
  const addresses = Array.from({ length: replicas }, (_, at) => `http://r${at}:1`)
  const able = new Set(addresses)
  const placing = new Placing(
    { clock, origins: new Silent(), able: () => [[...able]], meter },
    { ...placingDefaults, ...given },
  )
  placing.follow(addresses)
  t?.after(() => placing.close())
  return { clock, placing, able, addresses }
}

export function callAt(clock: ManualClock, patienceMs = 60_000): AmbassadorCall {
  const cancellation = new Cancellation()
  const call = newCall({
    cancellation,
    clock,
    provider: 'p',
    snapshot: undefined,
    tokens: undefined,
  })
  call.patienceUntilMs = clock.now() + patienceMs
  call.deadlineMs = call.patienceUntilMs
  call.isStream = true
  return call
}

/** A question of about so many tokens of a text of its own. */
export function question(tokens: number, name = 'a'): CallRequest {
  return asking([{ role: 'user', content: name.repeat(Math.ceil((tokens * 4) / name.length)) }])
}

export function asking(messages: readonly object[]): CallRequest {
  const body = Buffer.from(JSON.stringify({ messages }))
  const incoming = {
    declaredBytes: 0,
    contentEncoding: undefined,
    read() {},
    pause() {},
    resume() {},
  }
  return { method: 'POST', path: '/', query: '', headers: [], incoming, body }
}

export const isCode = (code: string) => (error: unknown) =>
  error instanceof CallError && error.code === code

/** Turns of the microtask queue, so that whoever has been placed goes on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

export const sink: BodySink = { write: () => true, end() {}, fail() {} }

export function streamed(body: Body, call: AmbassadorCall, placement: Placement): Body {
  return placement.follow(
    { status: 200, headers: ['content-type', 'text/event-stream'], body },
    call,
  )
}

/** A call whose first token has come. */
export async function begun(
  placing: Placing,
  call: AmbassadorCall,
  request: CallRequest,
): Promise<Placement> {
  const placement = await placing.place(request, call)
  begin(placement, call)
  return placement
}

/** Its first token comes, and no end. */
export function begin(placement: Placement, call: AmbassadorCall): void {
  call.firstContentMs = 1
  const flowing = {
    pipe: (to: BodySink) => void to.write(Buffer.from('x')),
    resume() {},
    cancel() {},
  }
  streamed(flowing, call, placement).pipe(sink)
}

/** What is under way, of every kind. */
export function underWay(placing: Placing) {
  const { waiting, replicas } = placing.view()
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    ...waiting,
    inFlight: sum(replicas.map(({ inFlight }) => inFlight)),
    queuedTokens: sum(replicas.map(({ queuedTokens }) => queuedTokens)),
  }
}

export const nothing = { calls: 0, tokens: 0, bytes: 0, inFlight: 0, queuedTokens: 0 }
