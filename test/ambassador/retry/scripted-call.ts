import assert from 'node:assert/strict'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { PresetName } from '#shared/config/presets.ts'
import type { RetryLimits } from '#shared/config/resilience-schema.ts'
import type { ProviderKind } from '#shared/config/schema.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { ErrorCode } from '#shared/errors/table.ts'
import { type Body, bytesBody } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { commit } from '../../../ambassador/attempt/commit.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { newCall } from '../../../ambassador/new-call.ts'
import type { Aside } from '../../../ambassador/retry/asides.ts'
import type { Outcome } from '../../../ambassador/retry/outcome.ts'
import { retry } from '../../../ambassador/retry/retry.ts'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import type {
  Credentials,
  GivenUp,
  ObservedAnswer,
  Turn,
} from '../../../ambassador/retry/retry-parts.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'
import { chatRequest } from '../chat-request.ts'

/** What an attempt meets: a status with a body, or an error. `takesMs` passes before it is known. */
export interface Step {
  readonly status?: number
  readonly headers?: readonly string[]
  readonly body?: string
  readonly error?: ErrorCode
  readonly takesMs?: number
  /** The error that the body ends with, after a good head. */
  readonly breaks?: ErrorCode
}

export interface Attempted {
  readonly atMs: number
  readonly credential: string
}

export interface Script {
  readonly steps: readonly Step[]
  /** Whose errors they are. */
  readonly kind?: ProviderKind
  readonly preset?: PresetName
  readonly credentials?: readonly string[]
  readonly limits?: Partial<RetryLimits>
  readonly breakerFailures?: number
  readonly patienceMs?: number
  readonly deadlineMs?: number
  readonly attemptsBefore?: number
  readonly attemptsMax?: number
  /** Calls that have paid into the budget before. */
  readonly deposits?: number
  /** Why no credential is left. */
  readonly aside?: Aside
  /** Configuration of a streamed call through the layer below, which holds until its content. */
  readonly held?: Snapshot
}

export type Result = { readonly response: CallResponse } | { readonly error: unknown }

/** Of a provider that nobody may ask. */
export const noCredentials: Credentials = {
  next: () => undefined,
  pickFor: () => undefined,
  judge: () => {},
  asideOf: () => undefined,
}

const request = chatRequest()

/** The retry layer over a provider that follows a script, and everything it did. */
export class ScriptedCall {
  readonly clock: ManualClock = manualClock()
  readonly attempts: Attempted[] = []
  readonly outcomes: Outcome[] = []
  /** Ends of turns by credential; undefined for one that was not used. */
  readonly ended: [string, Outcome | undefined][] = []
  /** Answers that turns were told of. */
  readonly observed: ObservedAnswer[] = []
  readonly gaveUp: GivenUp[] = []
  readonly context: AmbassadorCall
  readonly breakers: Breakers
  turns = 0
  bodiesOpen = 0
  readonly #script: Script
  readonly #service

  constructor(script: Script) {
    this.#script = script
    this.context = callContext(this.clock, script)
    this.breakers = new Breakers({ clock: this.clock, onChange: () => {}, breakersMax: 100 })
    const budget = new RetryBudget(this.clock)
    for (let call = 0; call < (script.deposits ?? 1_000); call++) budget.deposit()
    const limits = { ...retryLimits, ...script.limits }
    const breaker = { ...breakerLimits, failures: script.breakerFailures ?? 10_000 }
    const inner = () => this.#attempt(this.context)
    this.#service = retry({
      provider: () => ({
        kind: script.kind ?? 'openai',
        preset: script.preset,
        retry: limits,
        breaker,
      }),
      credentials: this.#credentials(),
      breakers: this.breakers,
      budget,
      onAttempt: (_context, _credential, outcome) => this.outcomes.push(outcome),
      onSuperseded: () => {},
      onGiveUp: (_context, why) => this.gaveUp.push(why),
    })(commit()(inner))
  }

  /** Runs the call to its head, time passing as fast as the call waits. */
  async run(): Promise<Result> {
    let result: Result | undefined
    const run = async () => {
      try {
        result = { response: await this.#service(request, this.context) }
      } catch (error) {
        result = { error }
      }
    }
    void run()
    for (let turn = 0; turn < 20_000; turn++) {
      // Promises come before time: several of them lie between two waits.
      for (let tick = 0; tick < 20; tick++) await Promise.resolve()
      if (result !== undefined) return result
      this.clock.advance(50)
    }
    throw new Error('the call never ended')
  }

  close(): void {
    this.breakers.close()
  }

  #credentials(): Credentials {
    const names = this.#script.credentials ?? ['a']
    return {
      next: async (_context, excluded) => {
        const name = names.find((one) => !excluded.has(one))
        return name === undefined ? undefined : this.#turn(name)
      },
      pickFor: () => names[0],
      judge: () => {},
      asideOf: () => this.#script.aside,
    }
  }

  #turn(credential: string): Turn {
    this.turns++
    return {
      credential,
      observe: (answer) => this.observed.push(answer),
      end: (outcome) => this.ended.push([credential, outcome]),
    }
  }

  async #attempt(context: AmbassadorCall): Promise<CallResponse> {
    const step = this.#script.steps[context.attempts] ?? { status: 200 }
    context.attempts++
    this.attempts.push({ atMs: this.clock.now(), credential: context.credential ?? '' })
    await new Promise<void>((resolve, reject) => {
      const undo = this.clock.after(step.takesMs ?? 0, resolve)
      context.cancellation.onCancel((reason) => {
        undo()
        reject(reason)
      })
    })
    if (step.error !== undefined) throw new CallError(step.error, `Cannot x: ${step.error}`)
    const { status = 200, headers = [], body = '', breaks } = step
    return { status, headers: [...headers], body: this.#body(body, breaks) }
  }

  /** Counted until it has been read or released. */
  #body(text: string, breaks: ErrorCode | undefined): Body {
    this.bodiesOpen++
    let isOpen = true
    const close = () => {
      if (isOpen) this.bodiesOpen--
      isOpen = false
    }
    const whole = bytesBody(Buffer.from(text))
    return {
      pipe: (sink) =>
        whole.pipe({
          write: (chunk) => sink.write(chunk),
          end: () => {
            close()
            if (breaks === undefined) sink.end()
            else sink.fail(new CallError(breaks, 'Cannot go on: broken'))
          },
          fail: (error) => sink.fail(error),
        }),
      resume: () => whole.resume(),
      cancel: () => {
        close()
        whole.cancel()
      },
    }
  }
}

const retryLimits: RetryLimits = {
  attempts: 5,
  base: 500,
  max: 8_000,
  budgetPercent: 100,
  budgetFloor: 0,
  unknown: 'retry',
}

const breakerLimits = {
  failures: 10_000,
  errorPercent: 50,
  volume: 1_000_000,
  window: 10_000,
  reset: 5_000,
  slow: 60_000,
}

function callContext(clock: ManualClock, script: Script): AmbassadorCall {
  const opening = { clock, cancellation: new Cancellation(), snapshot: script.held }
  return {
    ...newCall({ ...opening, provider: 'openai', tokens: undefined }),
    deadlineMs: script.deadlineMs ?? 600_000,
    patienceUntilMs: script.patienceMs ?? 600_000,
    attemptsBefore: script.attemptsBefore ?? 0,
    attemptsMax: script.attemptsMax ?? 5,
    tenant: 't',
    surface: script.held && surfaceOf('/v1/chat/completions'),
    modelAsked: 'm',
    model: 'm',
    isStream: script.held !== undefined,
  }
}

/** For streamed calls through the layer below. */
export function heldSnapshot(): Snapshot {
  const loaded = parseConfig(
    `
models: { m: { targets: [{ provider: openai, model: m }] } }
providers:
  openai: { kind: openai, credentials: [{ name: a, secret: KEY }] }
`,
    'test.yaml',
  )
  assert.ok(loaded.ok)
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  return { generation: 1, hash: '', config: loaded.config, secrets, since: 0, from: '' }
}

/** Reads a body to its end, whichever that is. */
export function drained(body: Body): Promise<string> {
  let text = ''
  return new Promise((resolve) => {
    body.pipe({
      write(chunk) {
        text += chunk.toString()
        return true
      },
      end: () => resolve(text),
      fail: (error) => resolve(`${text}!${error.code}`),
    })
  })
}
