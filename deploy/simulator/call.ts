import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Encoder, encoderOf } from './encoder.ts'
import type { Engine, Ticket } from './engine.ts'
import type { Fault } from './fault.ts'
import { isFields, parseJson } from './narrow.ts'
import type { ReplicaOptions } from './options.ts'
import { Outlet } from './outlet.ts'
import { type Dialect, type Question, readQuestion } from './question.ts'
import { badRequest, busy, faultRefusal, Refusal, refusalBody } from './refusal.ts'
import { surfaceAnswer } from './surfaces.ts'

/** One call of a replica, with what it needs to be answered. */
export interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Without its query. */
  readonly path: string
  readonly bodyText: string
  readonly fault: Fault
  readonly requestId: string
  readonly engine: Engine
  readonly options: ReplicaOptions
  readonly newId: () => string
  readonly random: () => number
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
  const { fault, request, response } = call
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
    const retry = fault.retryAfterS === undefined ? {} : { 'retry-after': `${fault.retryAfterS}` }
    const body = refusalBody(error, call.path)
    response.writeHead(error.status, {
      ...wholeHeaders(call),
      ...retry,
      'content-length': `${Buffer.byteLength(body)}`,
    })
    response.end(body)
  }
}

function answerRequest(call: Call): void {
  const body = readBody(call)
  const dialect = dialects[call.path]
  if (dialect === undefined) {
    answerSurface(call, body)
    return
  }
  const question = readQuestion(dialect, body, call.options)
  const { abortAfter } = call.fault
  const asked: Question =
    abortAfter === undefined ? question : { ...question, tokensMax: abortAfter, finish: 'abort' }
  if (call.fault.refusesInside === true && !asked.streams) {
    call.faulted()
    throw busy()
  }
  if (call.fault.refusesInside !== true && !call.engine.hasRoom()) throw busy()
  const encoder = encoderOf({
    question: asked,
    model: call.options.model,
    requestId: call.requestId,
    createdS: call.options.clock.unixSeconds(),
    newId: call.newId,
  })
  if (abortAfter !== undefined) call.faulted()
  if (asked.streams) answerStream(call, asked, encoder)
  else answerWhole(call, asked, encoder)
}

function readBody(call: Call) {
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
function answerSurface(call: Call, body: Parameters<typeof surfaceAnswer>[1]): void {
  const answer = surfaceAnswer(call.path, body, call)
  if (answer === null) throw badRequest(`Cannot answer "${call.path}"`)
  const outlet = outletOf(call, () => undefined)
  if (answer.prompt === null) {
    outlet.whole(answer.body, wholeHeaders(call))
    return
  }
  const ticket = call.engine.submit({
    prompt: answer.prompt,
    salt: 'embeddings',
    tokensMax: 0,
    finish: 'stop',
    next: () => '',
    sink: { isReady: () => true, token: () => outlet.whole(answer.body, wholeHeaders(call)) },
  })
  call.response.on('close', () => ticket.cancel())
}

function answerStream(call: Call, question: Question, encoder: Encoder): void {
  let ticket: Ticket | null = null
  const outlet = outletOf(call, () => ticket?.resume())
  outlet.beginStream(streamHeaders(call))
  if (call.fault.refusesInside === true) {
    call.faulted()
    const refusal = encoder.refusal()
    for (const event of refusal.events) outlet.event(event)
    if (refusal.isCut) outlet.cut()
    else outlet.end()
    return
  }
  for (const event of encoder.opening()) outlet.event(event)
  let isFirst = true
  ticket = call.engine.submit({
    ...question,
    sink: {
      isReady: () => outlet.isReady(),
      token(text, finish, account) {
        for (const event of encoder.piece({ text, isFirst, finish, account })) outlet.event(event)
        isFirst = false
        if (finish !== null) outlet.end()
      },
    },
  })
  call.response.on('close', () => ticket?.cancel())
}

function answerWhole(call: Call, question: Question, encoder: Encoder): void {
  const outlet = outletOf(call, () => undefined)
  const parts: string[] = []
  const ticket = call.engine.submit({
    ...question,
    sink: {
      isReady: () => true,
      token(part, finish, account) {
        parts.push(part)
        if (finish === null) return
        outlet.whole(encoder.whole({ text: parts.join(''), finish, account }), wholeHeaders(call))
      },
    },
  })
  call.response.on('close', () => ticket.cancel())
}

function outletOf(call: Call, drained: () => void): Outlet {
  return new Outlet(call.response, call.fault, {
    drained,
    faulted: call.faulted,
    random: call.random,
  })
}

function streamHeaders(call: Call): Readonly<Record<string, string>> {
  return headers(call, 'text/event-stream; charset=utf-8')
}

function wholeHeaders(call: Call): Readonly<Record<string, string>> {
  return headers(call, 'application/json')
}

function headers({ requestId }: Call, type: string): Readonly<Record<string, string>> {
  return { server: 'uvicorn', 'content-type': type, vary: 'Origin', 'x-request-id': requestId }
}
