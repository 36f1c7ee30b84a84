import type { Layer } from '#shared/call/service.ts'
import { usualClass } from '#shared/config/classes.ts'
import type { Config, Tenant } from '#shared/config/schema.ts'
import { scanBody, type TopLevel } from '#shared/dialects/scan-body.ts'
import { type Surface, surfaceOf, surfacePaths } from '#shared/dialects/surfaces.ts'
import { shortValueAt } from '#shared/dialects/top-level.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { askedClass } from '#shared/http/asked-class.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../call.ts'
import { askedOutput, outputKeys } from '../limits/asked-output.ts'
import { billKeys } from '../prices/asked-bill.ts'
import { configOf, providerOf } from '../provider-of.ts'
import { profileOf } from '../providers/profile.ts'
import { readAttempts } from '../retry/attempt-ceiling.ts'
import { aliasesOf } from './aliases.ts'

/**
 * Decides what the tenant may ask for: path, model, class. Reads them from the body itself, never
 * from what the sidecar claims about it. Ends at once, or with a large body in steps. Errors: `path-not-found`,
 * `method-not-allowed`, `dialect-not-spoken`, `count-not-offered`, `invalid-json`, `invalid-field`, `model-forbidden`.
 */
export function authorize(
  background: Lengths = noLengths,
): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => (request, context) => {
    readSurface(request, context)
    const top = scanBody(request.body, scannedKeys, context)
    if (top instanceof Promise) {
      return top.then((late) => {
        decide(request, context, late)
        takeBackground(request, context, background)
        return inner(request, context)
      })
    }
    decide(request, context, top)
    takeBackground(request, context, background)
    return inner(request, context)
  }
}

/** How long a tenant's answers in the background are, where that is known; else 0. */
interface Lengths {
  lengthOf(tenant: string, model: string): number
}

const noLengths: Lengths = { lengthOf: () => 0 }

/** A response in the background is charged before anybody knows what it uses. */
function takeBackground(request: CallRequest, context: AmbassadorCall, known: Lengths): void {
  const { surface, bodyValues, model, tenant } = context
  if (surface?.dialect !== 'responses' || surface.wants !== 'answer') return
  const asked = shortValueAt(request.body, bodyValues.get('background'))
  if (typeof asked !== 'boolean' && (asked ?? undefined) !== undefined) {
    // Some readers take "true" or 1 for it: what runs on would be charged as if it had ended.
    throw new CallError('invalid-field', "Cannot read the body: 'background' must be a boolean", {
      field: 'background',
    })
  }
  if (asked !== true) return
  const least = configOf(context).tenants[tenant]?.outputReserve ?? outputReserveDefault
  const length = known.lengthOf(tenant, model)
  context.background = { id: undefined, outputReserve: Math.max(least, length) }
}

/** That of a tenant which names none. */
const outputReserveDefault = 1_024

function decide(request: CallRequest, context: AmbassadorCall, top: TopLevel): void {
  readBody(request, context, top)
  // The sidecar names the target; what it may name is checked against the configuration.
  applyTenant(request, context, header(request.headers, 'x-outrigger-model') ?? context.modelAsked)
}

function readSurface(request: CallRequest, context: AmbassadorCall): void {
  const surface = surfaceOf(request.path)
  if (surface === undefined) {
    throw new CallError(
      'path-not-found',
      `Cannot serve this path: there are ${surfacePaths.join(', ')}`,
    )
  }
  if (request.method !== 'POST') {
    throw new CallError('method-not-allowed', `Cannot serve ${request.method}: use POST`)
  }
  checkOffer(surface, context)
  context.surface = surface
}

/** Whether the provider has the surface at all. */
function checkOffer({ dialect, path, wants }: Surface, context: AmbassadorCall): void {
  const provider = providerOf(context)
  const { dialects } = provider
  if (wants === 'count') {
    if (profileOf(provider).counts.includes(dialect)) return
    throw new CallError(
      'count-not-offered',
      `Cannot count on ${path}: provider '${context.provider}' does not`,
    )
  }
  if (dialects.some((name) => name === dialect)) return
  throw new CallError(
    'dialect-not-spoken',
    `Cannot serve ${path}: provider '${context.provider}' speaks ${dialects.join(', ')}`,
  )
}

function readBody(
  request: CallRequest,
  context: AmbassadorCall,
  { values, repeated }: TopLevel,
): void {
  if (repeated !== undefined) {
    throw new CallError(
      'invalid-field',
      `Cannot read the body: '${repeated}' occurs twice or in another case`,
      {
        field: repeated,
      },
    )
  }
  const model = shortValueAt(request.body, values.get('model'))
  if (typeof model !== 'string' || model === '') {
    throw new CallError('invalid-field', "Cannot read the body: 'model' must be a string", {
      field: 'model',
    })
  }
  context.bodyValues = values
  context.modelAsked = model
  const { dialect = 'chat', wants } = context.surface ?? {}
  const cap = /^[1-9]\d{0,9}$/.exec(header(request.headers, 'x-outrigger-output-max') ?? '')?.[0]
  // What is only counted has no answer: Anthropic refuses the member there.
  context.outputCap = cap === undefined || wants === 'count' ? undefined : Number(cap)
  // Where nobody names one, calls of its kind tell how much they come to.
  const question = { dialect, body: request.body, values, cap: context.outputCap }
  context.outputMax = askedOutput(question, 0) || undefined
  context.isStream = shortValueAt(request.body, values.get('stream')) === true
  // Sixteen bytes a token is beyond every text, so a claim below it is not believed.
  const floor = Math.ceil(request.body.length / 16)
  const claimed = Number(
    /^~?(\d{1,9})$/.exec(header(request.headers, 'x-outrigger-input-tokens') ?? '')?.[1] ?? 0,
  )
  context.inputEstimate = Math.max(floor, Math.min(claimed, claimMax))
}

/** Beyond every model's window: a forged claim must not reserve what all tenants share. */
const claimMax = 2 ** 21

/** Those that an attempt may set, and those that the bill or a limit goes by. */
const scannedKeys = [
  'model',
  'stream',
  'stream_options',
  'background',
  'priority',
  'cache_salt',
  ...outputKeys,
  ...billKeys,
]

/** Longer names are cut: they only tell sessions apart. */
const sessionCharsMax = 128

/** Takes `model` for the call where the tenant may use it. Error: `model-forbidden`. */
export function applyTenant(request: CallRequest, context: AmbassadorCall, model: string): void {
  const config = configOf(context)
  const tenant = config.tenants[context.tenant]
  const aliases = aliasesOf(config, context.provider, model)
  const isAllowed = aliases.some((alias) => tenant?.models?.includes(alias) ?? true)
  if (!isAllowed) {
    throw new CallError(
      'model-forbidden',
      `Cannot serve model '${model.slice(0, 100)}': it is not among those of the tenant`,
      { field: 'model' },
    )
  }
  // A model that is refused is the caller's text, and no label.
  context.model = model
  applyCaller(request, context)
}

/** What of the tenant holds for a call with or without a model: its class, its time, its tries. */
export function applyCaller(request: CallRequest, context: AmbassadorCall): void {
  const config = configOf(context)
  const tenant = config.tenants[context.tenant]
  context.class = classFor(config, tenant, askedClass(request, config.classes))
  const askedMs = millisecondsIn(request, 'x-outrigger-deadline-ms') ?? 0
  const maxMs = Math.min(tenant?.deadlineMax ?? Infinity, config.ambassador.deadlineMax)
  const deadlineMs = askedMs > 0 ? Math.min(askedMs, maxMs) : maxMs
  context.deadlineMs = context.startedMs + deadlineMs
  applyHints(request, context)
}

/** One of those that the tenant may use: what it may not is as if not asked for. */
function classFor(config: Config, tenant: Tenant | undefined, asked: string | undefined): string {
  const own = tenant?.classes ?? config.classes
  if (asked !== undefined && own.includes(asked)) return asked
  const usual = tenant?.class ?? usualClass(config.classes)
  return own.includes(usual) ? usual : (own[0] ?? usual)
}

/** Undefined where it is no number as sidecars write it: in digits alone. Of several the first counts. */
function millisecondsIn({ headers }: CallRequest, name: string): number | undefined {
  const value = header(headers, name) ?? ''
  return /^\d+$/.test(value) ? Number(value) : undefined
}

/** What a sidecar says of its chain; believed within the call's own bounds. */
function applyHints(request: CallRequest, context: AmbassadorCall): void {
  const { headers } = request
  const patienceMs = millisecondsIn(request, 'x-outrigger-patience-ms') ?? Infinity
  const untilMs = context.startedMs + patienceMs
  context.patienceUntilMs = Math.min(untilMs, context.deadlineMs)
  const { retry } = providerOf(context)
  const { made, ceiling } = readAttempts(header(headers, 'x-outrigger-attempts'), retry.attempts)
  context.attemptsBefore = made
  context.attemptsMax = ceiling
  context.session = header(headers, 'x-outrigger-session')?.slice(0, sessionCharsMax)
}
