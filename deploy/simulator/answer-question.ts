import type { Call } from './call.ts'
import { type Encoder, encoderOf } from './encoder.ts'
import { float } from './metrics.ts'
import { Outlet } from './outlet.ts'
import type { Question } from './question.ts'
import { busy, engineDead, type Refusal, refusalBody } from './refusal.ts'
import type { Ticket } from './text-engine.ts'

/**
 * Answers `question`, streamed or whole; `keeps` follows what is written of it. Errors: `Refusal` where
 * nothing was sent.
 */
export function answerQuestion(
  call: Call,
  question: Question,
  keeps: (encoder: Encoder) => Encoder,
): void {
  const { abortAfter, refusesInside } = call.fault
  const asked: Question =
    abortAfter === undefined
      ? question
      : { ...question, tokensMax: Math.min(abortAfter, question.tokensMax), finish: 'abort' }
  if (refusesInside === true) call.faulted()
  if (refusesInside === true && !asked.streams) throw busy()
  if (refusesInside !== true && !call.engine.hasRoom()) throw busy()
  const { clock, model, promptTokensDetails } = call.options
  const encoder = keeps(
    encoderOf({
      question: asked,
      model: asked.adapter === '' ? model : asked.adapter,
      requestId: call.requestId,
      createdS: clock.unixSeconds(),
      newId: call.newId,
      tellsDetails: promptTokensDetails,
    }),
  )
  if (abortAfter !== undefined) call.faulted()
  if (asked.streams) answerStream(call, asked, encoder)
  else answerWhole(call, asked, encoder)
}

function answerStream(call: Call, question: Question, encoder: Encoder): void {
  let ticket: Ticket | null = null
  const outlet = outletOf(call, () => ticket?.resume())
  outlet.beginStream(streamHeaders(call))
  const breakOff = (why: Refusal) => {
    const { events, isCut } = encoder.refusal(why)
    for (const event of events) outlet.event(event)
    if (isCut) outlet.cut()
    else outlet.end()
  }
  let isFirst = true
  const submit = () => {
    for (const event of encoder.opening()) outlet.event(event)
    ticket = call.engine.submit({
      ...question,
      sink: {
        isReady: () => outlet.isReady(),
        token(text, finish, account) {
          for (const event of encoder.piece({ text, isFirst, finish, account })) outlet.event(event)
          isFirst = false
          if (finish !== null) outlet.end()
        },
        lost: () => breakOff(engineDead()),
      },
    })
  }
  if (call.fault.refusesInside === true) breakOff(busy())
  else whenAdmitted(call, submit, () => breakOff(busy()))
  call.response.on('close', () => ticket?.cancel())
}

function answerWhole(call: Call, question: Question, encoder: Encoder): void {
  const outlet = outletOf(call, () => undefined)
  const parts: string[] = []
  let ticket: Ticket | null = null
  const submit = () => {
    ticket = call.engine.submit({
      ...question,
      sink: {
        isReady: () => true,
        token(part, finish, account) {
          parts.push(part)
          if (finish === null) return
          const body = encoder.whole({ text: parts.join(''), finish, account })
          outlet.whole(body, { ...loadHeader(call), ...wholeHeaders(call) })
        },
        lost: () => sendRefusal(call, engineDead()),
      },
    })
  }
  whenAdmitted(call, submit, () => sendRefusal(call, busy()))
  call.response.on('close', () => ticket?.cancel())
}

/**
 * Where the queue has a limit vLLM looks twice, and in between a stream has had its head: of a burst
 * many pass the first look and fail the second.
 */
function whenAdmitted(call: Call, submit: () => void, refuse: () => void): void {
  const { clock, queuedMax } = call.options
  if (queuedMax === 0) {
    submit()
    return
  }
  const look = () => (call.engine.hasRoom() ? submit() : refuse())
  call.response.on('close', clock.after(0, look))
}

/** The ORCA header of an answer that is not streamed, where the caller asks for it. */
function loadHeader({ request, path, engine }: Call): Readonly<Record<string, string>> {
  const format = request.headers['endpoint-load-metrics-format']
  if (path !== '/v1/chat/completions' && path !== '/v1/completions') return {}
  if (format !== 'json' && format !== 'text') return {}
  const named: Readonly<Record<string, string>> = {
    num_requests_waiting: float(engine.gauges.waiting),
    kv_cache_usage_perc: float(engine.gauges.kvUsage),
  }
  const pairs = Object.entries(named)
  const text =
    format === 'json'
      ? `JSON {"named_metrics": {${pairs.map(([name, value]) => `"${name}": ${value}`).join(', ')}}}`
      : `TEXT ${pairs.map(([name, value]) => `named_metrics.${name}=${value}`).join(', ')}`
  return { 'endpoint-load-metrics': text }
}

/** Answers with an error in the caller's dialect. */
export function sendRefusal(call: Call, refusal: Refusal): void {
  const { retryAfterS } = call.fault
  const retry = retryAfterS === undefined ? {} : { 'retry-after': `${retryAfterS}` }
  const body = refusalBody(refusal, call.path)
  const length = `${Buffer.byteLength(body)}`
  const headers = { ...wholeHeaders(call), ...retry, 'content-length': length }
  call.response.writeHead(refusal.status, headers)
  call.response.end(body)
}

export function outletOf(call: Call, drained: () => void): Outlet {
  const { response, fault, faulted, random } = call
  return new Outlet(response, fault, { drained, faulted, random })
}

export function streamHeaders(call: Call): Readonly<Record<string, string>> {
  return headersOf(call, 'text/event-stream; charset=utf-8')
}

export function wholeHeaders(call: Call): Readonly<Record<string, string>> {
  return headersOf(call, 'application/json')
}

function headersOf({ requestId }: Call, type: string): Readonly<Record<string, string>> {
  return { server: 'uvicorn', 'content-type': type, vary: 'Origin', 'x-request-id': requestId }
}
