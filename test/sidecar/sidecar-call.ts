import assert from 'node:assert/strict'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { Route, SidecarCall } from '../../sidecar/call.ts'
import type { ManualClock } from '../manual-clock.ts'

/** What a call has before it is counted. */
export const byBytes: InputCount = { tokens: 7, exactness: 'estimate' }
const route: Route = {
  provider: 'p',
  model: 'gpt-4o',
  addresses: ['127.0.0.1:1'],
  contextWindow: undefined,
  tokenizer: undefined,
}

/** A call that has been routed and not been counted. */
export function callOf(clock: ManualClock): SidecarCall {
  const loaded = parseConfig('sidecar: { count: { wait: 50ms } }', 'test')
  assert.ok(loaded.ok)
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  return {
    clock,
    cancellation: new Cancellation(),
    startedMs: 0,
    snapshot: {
      generation: 1,
      hash: '',
      config: loaded.config,
      secrets,
      since: 0,
      from: '',
    },
    id: 'call',
    deadlineMs: 1_000,
    error: undefined,
    atEnd: [],
    surface: { path: '/v1/chat/completions', dialect: 'chat', wants: 'answer' },
    modelAsked: 'assistant',
    isStream: false,
    question: { messages: [] },
    input: byBytes,
    targets: [route],
    route,
    attempts: 0,
    headMs: undefined,
    usage: undefined,
    isCut: false,
    replay: undefined,
    span: undefined,
  }
}
