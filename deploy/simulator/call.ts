import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  answerQuestion,
  outletOf,
  sendRefusal,
  streamHeaders,
  wholeHeaders,
} from './answer-question.ts'
import type { Condition } from './condition.ts'
import type { Encoder } from './encoder.ts'
import type { Fault } from './fault.ts'
import { type Fields, isFields, parseJson } from './narrow.ts'
import type { ReplicaOptions } from './options.ts'
import type { Resolved, ResponseStore } from './providers/response-store.ts'
import { type Dialect, type Question, readQuestion } from './question.ts'
import { badRequest, draining, engineDead, faultRefusal, Refusal } from './refusal.ts'
import { surfaceAnswer } from './surfaces.ts'
import type { TextEngine } from './text-engine.ts'

/** One call of a replica, with what it needs to be answered. */
export interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Without its query. */
  readonly path: string
  readonly bodyText: string
  readonly fault: Fault
  readonly requestId: string
  readonly engine: TextEngine
  readonly condition: Condition
  /** With the adapters of this moment. */
  readonly options: ReplicaOptions
  readonly newId: () => string
  readonly random: () => number
  /** Responses that are kept; null where none are. */
  readonly responses: ResponseStore | null
  /** Told when the fault, not the client and not the end, decides how the call ends. */
  readonly faulted: () => void
}

const dialects: Readonly<Record<string, Dialect>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
  '/v1/messages': 'messages',
  '/v1/responses': 'responses',
}

/** Answers `call`: first the faults that come before a head, then the request itself. */
export function answerCall(call: Call): void {
  const { fault, response, options } = call
  if (fault.latencyMs !== undefined) {
    const cancel = options.clock.after(fault.latencyMs, () => answerOnTime(call))
    response.on('close', cancel)
    return
  }
  answerOnTime(call)
}

function answerOnTime(call: Call): void {
  const { fault, request } = call
  if (fault.stallsHead === true) {
    call.faulted()
    return
  }
  if (fault.resetAfter === 0) {
    call.faulted()
    request.socket.resetAndDestroy()
    return
  }
  try {
    if (fault.status !== undefined) throw faultRefusal(fault.status)
    if (fault.floods === true) {
      call.faulted()
      const outlet = outletOf(call, () => undefined)
      outlet.beginStream(streamHeaders(call))
      outlet.flood()
      return
    }
    answerRequest(call)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (fault.status !== undefined) call.faulted()
    sendRefusal(call, error)
  }
}

function answerRequest(call: Call): void {
  const { condition } = call
  const body = readBody(call)
  const dialect = dialects[call.path]
  if (dialect === undefined) {
    answerSurface(call, body)
    return
  }
  const resolved = dialect === 'responses' ? resolve(call, body) : null
  const question = readQuestion(dialect, resolved?.body ?? body, call.options)
  if (condition.hasCrashed) throw engineDead()
  if (condition.isDraining) throw draining()
  const keeps = (encoder: Encoder) =>
    resolved === null ? encoder : (call.responses?.storing('', resolved, encoder) ?? encoder)
  answerQuestion(call, prioritized(call, question), keeps)
}

/** A question with what it goes on with; null where nothing is kept. Errors: `Refusal` 404. */
function resolve({ responses }: Call, body: Fields): Resolved | null {
  const resolved = responses?.resolve('', body) ?? null
  if (resolved === null || !('failure' in resolved)) return resolved
  const { message, param } = resolved.failure
  const field = typeof param === 'string' ? { param } : {}
  throw new Refusal(404, 'invalid_request_error', { message, ...field })
}

/** The header `X-Vllm-Priority` wins over the body. Errors: `Refusal` 400 where none is taken. */
function prioritized({ request, options }: Call, question: Question): Question {
  const given = Number(request.headers['x-vllm-priority'] ?? Number.NaN)
  const priority = Number.isSafeInteger(given) ? given : question.priority
  if (priority !== 0 && options.refusesPriority && options.scheduling === 'fcfs') {
    throw badRequest(`Got priority ${priority} but Priority scheduling is not enabled.`)
  }
  return { ...question, priority }
}

function readBody(call: Call): Fields {
  const type = call.request.headers['content-type'] ?? ''
  if (!type.startsWith('application/json')) {
    const message =
      "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
    throw new Refusal(400, 'Bad Request', { message })
  }
  const body = parseJson(call.bodyText)
  if (isFields(body)) return body
  // One text for every malformed body: only its shape is held to vLLM's.
  const message =
    "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.1', 'msg': 'JSON decode error', 'input': " +
    "'<dict of 0 items>', 'ctx': {'error': 'Expecting property name enclosed in double quotes'}}"
  throw new Refusal(400, 'Bad Request', { message, param: 'body.1' })
}

/**
 * Embeddings take their turn in the engine like a prefill; the tokenizer's surfaces answer at once.
 */
function answerSurface(call: Call, body: Fields): void {
  const answer = surfaceAnswer(call.path, body, call)
  if (answer === null) throw badRequest(`Cannot answer "${call.path}"`)
  const outlet = outletOf(call, () => undefined)
  if (answer.prompt === null) {
    outlet.whole(answer.body, wholeHeaders(call))
    return
  }
  if (call.condition.hasCrashed) throw engineDead()
  if (call.condition.isDraining) throw draining()
  const ticket = call.engine.submit({
    // Several texts may be more than a context holds: the engine sees one prompt.
    prompt: answer.prompt.slice(0, call.options.contextTokensMax),
    salt: 'embeddings',
    adapter: '',
    priority: 0,
    tokensMax: 0,
    finish: 'stop',
    next: () => '',
    sink: {
      isReady: () => true,
      token: () => outlet.whole(answer.body, wholeHeaders(call)),
      lost: () => sendRefusal(call, engineDead()),
    },
  })
  call.response.on('close', () => ticket.cancel())
}
