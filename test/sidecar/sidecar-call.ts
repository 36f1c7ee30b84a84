import assert from 'node:assert/strict'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import { scanTopLevel } from '#shared/dialects/top-level.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { Route, SidecarCall } from '../../sidecar/call.ts'
import { newCall } from '../../sidecar/new-call.ts'
import { needKeys } from '../../sidecar/route/needs.ts'
import type { ManualClock } from '../manual-clock.ts'

/** What a call has before it is counted. */
export const byBytes: InputCount = { tokens: 7, exactness: 'estimate' }
const route: Route = {
  provider: 'p',
  model: 'gpt-4o',
  addresses: ['127.0.0.1:1'],
  contextWindow: undefined,
  tokenizer: undefined,
  outputMax: undefined,
}

/** A call that has been routed and not been counted. */
export function callOf(clock: ManualClock): SidecarCall {
  const loaded = parseConfig('sidecar: { count: { wait: 50ms } }', 'test')
  assert.ok(loaded.ok)
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  const snapshot = { generation: 1, hash: '', config: loaded.config, secrets, since: 0, from: '' }
  return {
    ...newCall({ clock, cancellation: new Cancellation(), snapshot }),
    id: 'call',
    deadlineMs: 1_000,
    surface: { path: '/v1/chat/completions', dialect: 'chat', wants: 'answer' },
    modelAsked: 'assistant',
    question: { parsed: { messages: [] }, size: 15 },
    input: byBytes,
    chain: [route],
    isBound: false,
    fallback: {
      on: ['unavailable', 'rate-limited', 'timeout', 'context-window'],
      within: 60_000,
      unknown: 'next',
    },
    route,
  }
}

/** A target of provider `p`. */
export function targetOf(model: string, given: Partial<Route> = {}): Route {
  return { ...route, model, ...given }
}

/** A request of which only the body and the headers matter. */
export function requestOf(body: string, headers: readonly string[] = []): CallRequest {
  return {
    method: 'POST',
    path: '/v1/chat/completions',
    query: '',
    headers,
    body: Buffer.from(body),
  } as CallRequest
}

/** An answer without a body to speak of; `cancelled` tells whether it was let go. */
export function answered(status: number, headers: string[] = []): CallResponse & Cancelled {
  const answer = {
    status,
    headers: [...headers],
    cancelled: false,
    body: {
      pipe() {},
      resume() {},
      cancel() {
        answer.cancelled = true
      },
    },
  }
  return answer
}

interface Cancelled {
  readonly cancelled: boolean
}

/** Where the members stand that `identify` would have found; none in what is no object. */
export function membersOf(body: Buffer): SidecarCall['members'] {
  try {
    return scanTopLevel(body, needKeys).values
  } catch {
    // The layer would have refused it: nobody asks for its members.
    return new Map()
  }
}
