import assert from 'node:assert/strict'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { scanTopLevel } from '#shared/dialects/top-level.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import type { Body } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { commit } from '../../../ambassador/attempt/commit.ts'
import { wireRequest } from '../../../ambassador/attempt/wire-request.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { OutputRatios } from '../../../ambassador/output-ratios.ts'
import { resume } from '../../../ambassador/resume/resume.ts'
import { retry } from '../../../ambassador/retry/retry.ts'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import { settledUsage } from '../../../ambassador/settled-usage.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'
import { callWith, snapshotOf } from '../admission/stage.ts'
import { chatRequest } from '../chat-request.ts'
import { type Break, ModelStream, type Put, read, streamOf } from './model-server.ts'

type Json = Readonly<Record<string, unknown>>

/** One server of the pool, by turns: what it does with the call that comes to it. */
export interface Server {
  readonly breaks?: Break
  readonly refuses?: CallError
  readonly status?: number
  /** Its bytes, where it does not know the sentence. */
  readonly says?: string
  /** It answers when told. */
  readonly waits?: true
}

export interface Script {
  readonly servers: readonly Server[]
  readonly question?: Json
  readonly dialect?: 'chat' | 'completions'
  readonly provider?: Json
  readonly attemptsMax?: number
  readonly budgetFloor?: number
  readonly outputCap?: number
  readonly pieceBytes?: number
  /** Whether a server is left to which the call has not been. */
  readonly hasOther?: boolean
}

/** A call through the layers from `resume` down to a pool that follows a script. */
export class ResumedCall {
  readonly clock: ManualClock = manualClock()
  readonly context: AmbassadorCall
  readonly puts: Put[] = []
  readonly streams: ModelStream[] = []
  /** `origin verdict`, as the pool hears them. */
  readonly verdicts: string[] = []
  readonly events: string[] = []
  readonly budget: RetryBudget
  readonly waiting: (() => void)[] = []
  readonly #script: Script
  readonly #breakers: Breakers
  readonly #service
  readonly #question: Buffer

  constructor(script: Script) {
    this.#script = script
    const { clock } = this
    const provider = {
      kind: 'vllm',
      replicas: { addresses: ['http://a:1', 'http://b:1'] },
      resume: true,
      retry: { budgetFloor: script.budgetFloor ?? 1 },
      ...script.provider,
    }
    const snapshot = parsedOnce(provider)
    const dialect = script.dialect ?? 'chat'
    this.#question = Buffer.from(JSON.stringify({ ...questions[dialect], ...script.question }))
    const path = dialect === 'chat' ? '/v1/chat/completions' : '/v1/completions'
    const keys = ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n']
    this.context = callWith(clock, snapshot, {
      surface: surfaceOf(path),
      modelAsked: 'm',
      isStream: true,
      attemptsMax: script.attemptsMax ?? 5,
      outputCap: script.outputCap,
      inputEstimate: 5,
      bodyValues: scanTopLevel(this.#question, keys).values,
    })
    this.#breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 1 })
    this.budget = new RetryBudget(clock)
    const own = snapshot.config.providers['p']
    assert.ok(own !== undefined)
    const { budget } = this
    const pool = {
      hasOther: () => script.hasOther ?? true,
      isFailing: false,
      record: (origin: string, verdict: string) => void this.verdicts.push(`${origin} ${verdict}`),
    }
    const layers = resume({ budget, pool })
    const turn = { credential: '', observe: () => {}, end: () => {} }
    const tries = retry({
      provider: () => own,
      credentials: {
        next: () => turn,
        pickFor: () => '',
        judge: () => {},
        asideOf: () => undefined,
      },
      breakers: this.#breakers,
      budget,
      onAttempt: () => {},
      onSuperseded: () => {},
      onGiveUp: () => {},
      pool,
    })
    this.#service = layers(tries(commit()((request) => this.#attempt(request.body))))
  }

  async head(): Promise<CallResponse> {
    const path = this.context.surface?.path ?? ''
    return this.#service({ ...chatRequest(this.#question), path }, this.context)
  }

  /** All that the caller is given, time passing as fast as the call waits. */
  async whole(): Promise<string> {
    let whole: string | undefined
    const run = async () => {
      const { body } = await this.head()
      whole = await textOf(body)
    }
    void run()
    for (let turn = 0; turn < 1_000; turn++) {
      // Promises come before time: several of them lie between two waits.
      for (let tick = 0; tick < 30; tick++) await Promise.resolve()
      if (whole !== undefined) return whole
      this.clock.advance(500)
    }
    throw new Error('the call never ended')
  }

  /** As it is settled at its end. */
  get usage(): Usage {
    return settledUsage(this.context, { status: 200, bytes: 0 }, new OutputRatios())
  }

  close(): void {
    this.#breakers.close()
    for (const undo of this.context.atEnd) undo()
  }

  async #attempt(body: Buffer): Promise<CallResponse> {
    const { context } = this
    const server = this.#script.servers[context.attempts] ?? {}
    context.replica = `http://${'abcdefgh'[context.attempts] ?? 'z'}:1`
    context.replicasTried.push(context.replica)
    context.attempts++
    const destination = { origin: context.replica, members: {} }
    const sent = wireRequest({ ...chatRequest(body), path: '' }, context, destination)
    const put = read(sent.body ?? Buffer.alloc(0))
    this.puts.push(put)
    if (server.waits === true) {
      await new Promise<void>((resolve, reject) => {
        this.waiting.push(resolve)
        context.cancellation.onCancel(reject)
      })
    }
    if (server.refuses !== undefined) throw server.refuses
    const bytes =
      server.says === undefined
        ? streamOf(put, `${this.puts.length}`.repeat(this.puts.length))
        : Buffer.from(server.says)
    const stream = new ModelStream(bytes, server.breaks, this.#script.pieceBytes ?? 64)
    this.streams.push(stream)
    const headers = ['content-type', 'text/event-stream; charset=utf-8']
    return { status: server.status ?? 200, headers, body: stream }
  }
}

const snapshots = new Map<string, Snapshot>()

/** Thousands of calls begin with the same configuration. */
function parsedOnce(provider: Json): Snapshot {
  const key = JSON.stringify(provider)
  const snapshot = snapshots.get(key) ?? snapshotOf(provider)
  snapshots.set(key, snapshot)
  return snapshot
}

const questions = {
  chat: { model: 'm', messages: [{ role: 'user', content: 'Say it' }], stream: true },
  completions: { model: 'm', prompt: 'Say: ', max_tokens: 100, stream: true },
}

/** To its end; `!code` behind what came where it failed. */
export function textOf(body: Body): Promise<string> {
  let text = ''
  return new Promise((resolve) => {
    body.pipe({
      write(chunk) {
        text += chunk.toString()
        return true
      },
      end: () => resolve(text),
      fail: ({ code }) => resolve(`${text}!${code}`),
    })
  })
}

/** What a caller makes of a stream. */
export interface Heard {
  readonly text: string
  readonly roles: number
  readonly ids: readonly unknown[]
  readonly finishes: readonly string[]
  readonly usages: readonly Json[]
  readonly errors: number
  readonly isDone: boolean
}

/** Reads a stream as a client does; throws where an event cannot be parsed. */
export function hear(stream: string): Heard {
  let text = ''
  let roles = 0
  let errors = 0
  let isDone = false
  const ids = new Set<string>()
  const finishes: string[] = []
  const usages: Json[] = []
  assert.ok(stream.endsWith('\n\n'), `cut inside of an event: ${stream.slice(-80)}`)
  for (const event of stream.split('\n\n')) {
    if (!event.startsWith('data: ')) continue
    assert.ok(!isDone, 'events behind the end')
    if (event === 'data: [DONE]') {
      isDone = true
      continue
    }
    const value = JSON.parse(event.slice(6))
    if (value.error !== undefined) {
      errors++
      continue
    }
    ids.add(JSON.stringify([value.id, value.object, value.created, value.model]))
    if (value.usage !== undefined && value.usage !== null) usages.push(value.usage)
    for (const { delta, text: plain, finish_reason: finish } of value.choices) {
      text += plain ?? delta.content ?? ''
      if (delta?.role !== undefined) roles++
      if (typeof finish === 'string') finishes.push(finish)
    }
  }
  return { text, roles, ids: [...ids], finishes, usages, errors, isDone }
}
