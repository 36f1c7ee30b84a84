import assert from 'node:assert/strict'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import { parseConfig } from '#shared/config/load.ts'
import { secretKey } from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { Turns } from '../../../ambassador/admission/turns.ts'
import { Outliers, outlierDefaults } from '../../../ambassador/breaker/outliers.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { newCall } from '../../../ambassador/new-call.ts'
import { profileOf } from '../../../ambassador/providers/profile.ts'
import type { Outcome } from '../../../ambassador/retry/outcome.ts'
import type { Turn } from '../../../ambassador/retry/retry-parts.ts'

type Json = Readonly<Record<string, unknown>>

/** A configuration of provider `p`; `keys` are the values of secrets by their names. */
export function snapshotOf(provider: Json, keys: Readonly<Record<string, string>> = {}): Snapshot {
  const loaded = parseConfig(JSON.stringify({ providers: { p: provider } }), 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const values = new Map(Object.entries(keys).map(([name, value]) => [secretKey(name), value]))
  const secrets = { values, missing: [], reasons: new Map<string, string>() }
  return { generation: 1, hash: '', config: loaded.config, secrets, since: 0, from: '' }
}

export function turnsOf(clock: Clock): Turns {
  return new Turns({
    clock,
    shapeOf: (provider) => profileOf(provider).limitShape,
    outliers: new Outliers(clock, outlierDefaults),
  })
}

/** A call that began with `snapshot`, of tenant `t` to model `m`, with a minute's patience. */
export function callWith(
  clock: Clock,
  snapshot: Snapshot,
  other: Partial<AmbassadorCall> = {},
): AmbassadorCall {
  const cancellation = new Cancellation()
  const call = newCall({ clock, cancellation, provider: 'p', snapshot, tokens: undefined })
  const patienceUntilMs = clock.now() + 60_000
  return {
    ...call,
    tenant: 't',
    model: 'm',
    patienceUntilMs,
    deadlineMs: patienceUntilMs,
    ...other,
  }
}

const said = { hintMs: undefined, shouldRetry: undefined }
export const ok: Outcome = { ...said, kind: 'ok', reason: 'ok' }
export const callers: Outcome = { ...said, kind: 'caller', reason: 'status-400' }
const gone = {
  ...said,
  kind: 'dead-credential',
  reach: 'credential',
  reason: 'status-401',
} as const
export const dead: Outcome = gone
export const forbidden: Outcome = { ...gone, reach: 'model', reason: 'status-403' }
export const valueless: Outcome = { ...gone, reach: 'call', reason: 'provider-disabled' }
export const exhausted: Outcome = { ...gone, kind: 'exhausted', reason: 'exhausted' }

const none: ReadonlySet<string> = new Set()

/** The turn of a call that does not have to wait. */
export function turnOf(turns: Turns, call: AmbassadorCall): Turn {
  const turn = turns.next(call, none)
  assert.ok(turn !== undefined && !(turn instanceof Promise), 'there is no turn at once')
  return turn
}

/** The turn that a call waits for. */
export function waitingTurn(turns: Turns, call: AmbassadorCall): Promise<Turn | undefined> {
  const turn = turns.next(call, none)
  assert.ok(turn instanceof Promise, 'the call does not wait')
  return turn
}

/** What a promise has come to, once all that is due has run. */
export async function stateOf(promise: Promise<Turn | undefined>): Promise<string> {
  let state = 'waiting'
  const follow = async () => {
    try {
      state = (await promise)?.credential ?? 'none'
    } catch {
      state = 'refused'
    }
  }
  void follow()
  for (let tick = 0; tick < 20; tick++) await Promise.resolve()
  return state
}
