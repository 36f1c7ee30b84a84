import { type Fields, isFields, parseJson } from '../narrow.ts'
import { type Question, readPrompt, readQuestion } from '../question.ts'
import { Refusal } from '../refusal.ts'
import { surfaceAnswer } from '../surfaces.ts'
import { answerStream, answerWhole } from './answer.ts'
import { Bill } from './bill.ts'
import { type Failure, failureOf, statusFailure } from './failure.ts'
import type { Holder } from './key-ring.ts'
import { type ProviderCall, sendBody, sendError, sendFailure } from './provider-call.ts'
import { providerEncoder } from './provider-encoder.ts'
import { type ProviderFault, retryHeaders } from './provider-fault.ts'
import type { Vendor } from './provider-options.ts'
import type { Resolved } from './response-store.ts'
import type { Route } from './route.ts'
import type { Tally } from './truth.ts'

/** A refusal of the request itself. */
class Rejected extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/**
 * The way of one call that is posted: key, body, model, the key's state, the request's own faults,
 * the limits, the script, the answer.
 */
export function answerCall(call: ProviderCall, route: Route): void {
  const { host } = call
  const { vendor } = host.options
  const holder = host.keys.holderOf(call.request.headers)
  if (holder === null) {
    host.truth.unauthorized += 1
    sendFailure(call, known(call, 'unauthorized'))
    return
  }
  let tally: Tally | null = null
  try {
    const body = readFields(call)
    // OpenAI counts without a model too.
    const isAnyModel = route.kind === 'count' && vendor !== 'anthropic'
    const model = isAnyModel && body['model'] === undefined ? '' : readModel(call, route, body)
    if (route.kind === 'count') {
      if (holder.state !== 'active') throw new Rejected(known(call, holder.state))
      host.truth.counts += 1
      const counted = countBody(route.dialect, body)
      const fault = host.script.take({ key: holder.name, model, kind: 'count' })
      underFault(call, { fault, failed: () => undefined }, () => sendBody(call, counted))
      return
    }
    tally = host.truth.tally(holder.name, model)
    tally.calls += 1
    if (holder.state !== 'active') throw new Rejected(known(call, holder.state))
    if (route.kind === 'answer') {
      requireVersion(call, body)
      const options = { ...host.engineOptions, model }
      const resolved = route.dialect === 'responses' ? resolve(call, holder, body) : null
      const question = readQuestion(route.dialect, { ...(resolved?.body ?? body), model }, options)
      const asked = { holder, tally, model, question: salted(call, holder, question), resolved }
      answerQuestion(call, asked)
    } else if (route.kind === 'embeddings') {
      answerEmbeddings(call, { holder, tally, model }, body)
    }
  } catch (error) {
    const failure = failureIn(error, vendor)
    if (failure === null) throw error
    if (tally !== null) tally[failure.status === 429 ? 'rateLimited' : 'failed'] += 1
    sendFailure(call, failure)
  }
}

function known(call: ProviderCall, name: string): Failure {
  const { vendor } = call.host.options
  return failureOf(vendor, name) ?? statusFailure(vendor, 403, `Access denied: ${name}`)
}

function failureIn(error: unknown, vendor: Vendor): Failure | null {
  if (error instanceof Rejected) return error.failure
  if (!(error instanceof Refusal)) return null
  return { ...statusFailure(vendor, error.status, error.message), param: error.param }
}

function readFields(call: ProviderCall): Fields {
  const body = parseJson(call.bodyText)
  if (isFields(body)) return body
  const message = 'We could not parse the JSON body of your request.'
  throw new Rejected(statusFailure(call.host.options.vendor, 400, message))
}

function readModel(call: ProviderCall, route: Route, body: Fields): string {
  const { vendor, models } = call.host.options
  const deployment = 'deployment' in route ? route.deployment : null
  const model = deployment ?? body['model']
  const name = typeof model === 'string' ? model : JSON.stringify(model)
  if (typeof model === 'string' && models.includes(model)) return model
  if (vendor === 'anthropic') {
    const missing = model === undefined
    const message = missing ? 'model: Field required' : `model: ${name}`
    throw new Rejected(statusFailure(vendor, missing ? 400 : 404, message))
  }
  const failure = statusFailure(vendor, 404, `The model \`${name}\` does not exist`)
  if (vendor === 'openai') throw new Rejected({ ...failure, code: 'model_not_found' })
  const message =
    'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.'
  throw new Rejected({ ...failure, type: '', code: 'DeploymentNotFound', message })
}

/** Anthropic requires a version and a limit; its version 2026-10-21 knows no sampling fields. */
function requireVersion(call: ProviderCall, body: Fields): void {
  if (call.host.options.vendor !== 'anthropic') return
  const version = call.request.headers['anthropic-version']
  const refuse = (message: string) => new Rejected(statusFailure('anthropic', 400, message))
  if (version === undefined) throw refuse('anthropic-version: header is required')
  if (body['max_tokens'] === undefined) throw refuse('max_tokens: Field required')
  if (version !== '2026-10-21') return
  const field = ['temperature', 'top_p', 'top_k'].find((name) => body[name] !== undefined)
  if (field !== undefined) throw refuse(`${field}: Extra inputs are not permitted`)
}

function countBody(dialect: Question['dialect'], body: Fields): string {
  const tokens = readPrompt(dialect, body).length
  if (dialect === 'messages') return JSON.stringify({ input_tokens: tokens })
  return JSON.stringify({ object: 'response.input_tokens', input_tokens: tokens })
}

// OpenAI: "available for prompts containing 1024 tokens or more".
const cacheTokensMin = 1_024

/**
 * The cache is the account's, per model; a prompt that a vendor would not cache gets a corner of
 * its own. Anthropic caches only where the request says so.
 */
function salted(call: ProviderCall, holder: Holder, question: Question): Question {
  const isCached = writesCache(call) || isAutomatic(call, question)
  const own = isCached ? question.salt : `${question.salt}:${call.requestId}`
  return { ...question, salt: `${holder.account}:${own}` }
}

function isAutomatic({ host }: ProviderCall, { prompt }: Question): boolean {
  return host.options.vendor !== 'anthropic' && prompt.length >= cacheTokensMin
}

function writesCache({ host, bodyText }: ProviderCall): boolean {
  return host.options.vendor === 'anthropic' && bodyText.includes('"cache_control"')
}

interface Asker {
  readonly holder: Holder
  readonly tally: Tally
  readonly model: string
}

function resolve({ host }: ProviderCall, holder: Holder, body: Fields): Resolved {
  const resolved = host.responses.resolve(holder.account, body)
  if ('failure' in resolved) throw new Rejected(resolved.failure)
  return resolved
}

interface Asking extends Asker {
  readonly question: Question
  /** Of Responses, whose answers are stored. */
  readonly resolved: Resolved | null
}

function answerQuestion(call: ProviderCall, asked: Asking): void {
  const { host, requestId } = call
  const { model } = asked
  const salt = `${model}:${asked.question.salt}`
  // The other dialects tell their usage unasked.
  const usage = asked.question.dialect === 'chat' ? asked.question.usage : 'last'
  const question: Question = { ...asked.question, salt, usage }
  const cachedTokens = host.engine.cachedTokens(question.prompt, salt)
  const tokens = { prompt: question.prompt, cachedTokens, maxOutput: question.limitTokens ?? 0 }
  admit(call, { ...asked, ...tokens }, ({ bill, fault, limitHeaders }) => {
    const createdS = Math.floor(host.unixMs() / 1_000)
    const { newId } = host
    const { vendor } = host.options
    const plain = providerEncoder({ vendor, question, model, requestId, createdS, newId })
    const { holder, resolved } = asked
    const encoder =
      resolved === null ? plain : host.responses.storing(holder.account, resolved, plain)
    const common = { call, question, encoder, bill, fault, limitHeaders, cachedTokens }
    const admitted = { ...common, writesCache: writesCache(call) }
    if (question.streams) answerStream(admitted)
    else answerWhole(admitted)
  })
}

interface Demand extends Asker {
  readonly prompt: readonly string[]
  readonly cachedTokens: number
  readonly maxOutput: number
}

interface Admission {
  readonly bill: Bill
  readonly fault: ProviderFault
  readonly limitHeaders: readonly (readonly [string, string])[]
}

/** Asks the limiter, then the script, and goes on with `answer` where both let the call through. */
function admit(call: ProviderCall, demand: Demand, answer: (admission: Admission) => void): void {
  const { host, response } = call
  const { holder, tally, model, prompt } = demand
  const verdict = host.limiter.admit({
    atMs: host.unixMs(),
    credential: holder.account,
    model,
    inputTokens: prompt.length,
    cachedTokens: demand.cachedTokens,
    maxOutputTokens: demand.maxOutput,
    inputCharacters: prompt.reduce((sum, { length }) => sum + length, 0),
  })
  if (!verdict.isAdmitted) {
    tally.rateLimited += 1
    sendError(call, { ...verdict, body: withRequestId(call, verdict.body) })
    return
  }
  const bill = new Bill({ tally, limiter: host.limiter, id: verdict.id, unixMs: host.unixMs })
  const fault = host.script.take({ key: holder.name, model, kind: 'answer' })
  const limitHeaders = verdict.headers
  response.on('close', () => bill.end('broken-off'))
  underFault(
    call,
    {
      fault,
      limitHeaders,
      failed: (status) => bill.end(status === 429 ? 'rate-limited' : 'failed'),
    },
    () => answer({ bill, fault, limitHeaders }),
  )
}

interface Trouble {
  readonly fault: ProviderFault
  readonly limitHeaders?: Admission['limitHeaders']
  /** Told before an error is sent. */
  readonly failed: (status: number) => void
}

/** Does what the fault says before a head, and goes on with `answer` where it lets the call live. */
function underFault(call: ProviderCall, trouble: Trouble, answer: () => void): void {
  const { fault, failed, limitHeaders = [] } = trouble
  const { latencyMs, stallsHead, resetAfter } = fault.wire
  const go = () => {
    if (stallsHead === true) return
    if (resetAfter === 0) {
      call.request.socket.resetAndDestroy()
    } else if (fault.failure === null) {
      answer()
    } else {
      failed(fault.failure.status)
      const headers = [...limitHeaders, ...retryHeaders(fault, call.host.unixMs())]
      sendFailure(call, fault.failure, headers)
    }
  }
  if (latencyMs === undefined) go()
  else call.response.on('close', call.host.options.clock.after(latencyMs, go))
}

/** The limiter knows no request; Anthropic's errors name theirs. */
function withRequestId(call: ProviderCall, body: string): string {
  if (call.host.options.vendor !== 'anthropic') return body
  const parsed = parseJson(body)
  return JSON.stringify({ ...(isFields(parsed) ? parsed : {}), request_id: call.requestId })
}

function answerEmbeddings(call: ProviderCall, asker: Asker, body: Fields): void {
  const { host, requestId } = call
  const options = { ...host.engineOptions, model: asker.model }
  const given = { ...body, model: asker.model }
  const answer = surfaceAnswer('/v1/embeddings', given, { options, requestId })
  const parsed = parseJson(answer?.body ?? '')
  const prompt = answer?.prompt ?? []
  admit(call, { ...asker, prompt, cachedTokens: 0, maxOutput: 0 }, ({ bill, limitHeaders }) => {
    const usage = { prompt_tokens: prompt.length, total_tokens: prompt.length }
    const data = isFields(parsed) ? parsed['data'] : []
    bill.begin(prompt.length, 0)
    bill.deliveredUsage({
      promptTokens: prompt.length,
      cachedTokens: 0,
      createdTokens: 0,
      completionTokens: 0,
    })
    bill.end('finished')
    for (const [name, value] of limitHeaders) call.response.setHeader(name, value)
    sendBody(call, JSON.stringify({ object: 'list', data, model: asker.model, usage }))
  })
}
