import type { Layer } from '#shared/call/service.ts'
import type { Config } from '#shared/config/schema.ts'
import { allTargets } from '#shared/config/target-schema.ts'
import {
  type Dialect,
  dialects,
  type Family,
  familyOf,
  surfaceOf,
} from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { headerAlias } from '#shared/passthrough/model-alias.ts'
import type { SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { modelOf } from '../route/route.ts'

/** Names the provider of what is stored. */
export const providerHeader = 'x-outrigger-provider'

/**
 * Finds whose the asked thing is: the provider that the header names, that of the first target of the model
 * in the other header, else the only one that speaks the caller's family. Ends at once. Errors:
 * `invalid-field`, `model-not-found`.
 */
export function toProvider(): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const config = configOf(context)
    const provider = providerFor(request, config)
    const addresses = config.ambassadors[provider]?.address ?? []
    const nothing = { contextWindow: undefined, tokenizer: undefined, outputMax: undefined }
    context.route = { provider, model: '', addresses, ...nothing }
    return inner(request, context)
  }
}

function providerFor(request: CallRequest, config: Config): string {
  const names = Object.keys(config.ambassadors)
  const named = header(request.headers, providerHeader)
  if (named !== undefined) {
    if (Object.hasOwn(config.ambassadors, named)) return named
    throw unnamed(`there is no provider '${named.slice(0, 100)}'`, names)
  }
  const alias = headerAlias(request)
  if (alias !== undefined) {
    const [target] = allTargets(modelOf(config, alias))
    if (target !== undefined) return target.provider
  }
  // Without a word of what is stored it is a question with the wrong method.
  if (surfaceOf(request.path) !== undefined) {
    const message = `Cannot list what is stored: name its provider in the header ${providerHeader}`
    throw new CallError('method-not-allowed', `${message}; to ask a question use POST`)
  }
  const speaksAnthropic = header(request.headers, 'anthropic-version') !== undefined
  const family = request.family ?? familyOf(request.path, speaksAnthropic)
  const able = ableOf(config, family)
  const [only] = able
  if (only !== undefined && able.length === 1) return only
  throw unnamed('several providers could have it', able.length === 0 ? names : able)
}

/** Those that speak nothing else go first: a vLLM pool speaks both families, and stores nothing. */
function ableOf({ ambassadors }: Config, family: Family): readonly string[] {
  const isOf = (dialect: Dialect) => dialects[dialect].family === family
  const entries = Object.entries(ambassadors)
  const own = entries.filter(([, { dialects: spoken }]) => spoken.every(isOf))
  const able = own.length > 0 ? own : entries.filter(([, one]) => one.dialects.some(isOf))
  return able.map(([name]) => name)
}

function unnamed(state: string, names: readonly string[]): CallError {
  const known = names.slice(0, 10).join(', ')
  return new CallError(
    'invalid-field',
    `Cannot route: ${state}; name one in the header ${providerHeader}: ${known}`,
    { field: providerHeader },
  )
}
