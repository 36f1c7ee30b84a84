import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Limiter } from '../limits/limiter.ts'
import type { ReplicaOptions } from '../options.ts'
import type { TextEngine } from '../text-engine.ts'
import { type Failure, failureBody } from './failure.ts'
import type { KeyRing } from './key-ring.ts'
import type { ProviderOptions } from './provider-options.ts'
import type { ResponseStore } from './response-store.ts'
import type { Script } from './script.ts'
import type { Truth } from './truth.ts'

/** The parts of one provider double. */
export interface ProviderParts {
  readonly options: ProviderOptions
  readonly engine: TextEngine
  readonly engineOptions: ReplicaOptions
  readonly limiter: Limiter
  readonly keys: KeyRing
  readonly script: Script
  readonly truth: Truth
  readonly newId: () => string
  readonly responses: ResponseStore
  readonly random: () => number
  /** Milliseconds since 1970 on the provider's clock. */
  readonly unixMs: () => number
}

/** One request of a provider, its body read. */
export interface ProviderCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly bodyText: string
  readonly requestId: string
  readonly host: ProviderParts
}

/** The headers each vendor sends with every answer. */
export function vendorHeaders(
  { requestId, host }: ProviderCall,
  type: string,
): Record<string, string> {
  const common = { 'content-type': type }
  switch (host.options.vendor) {
    case 'openai':
      return {
        ...common,
        'x-request-id': requestId,
        'openai-organization': 'org-simulated',
        'openai-processing-ms': '1',
        'openai-version': '2020-10-01',
      }
    case 'azure':
      return {
        ...common,
        'x-request-id': requestId,
        'apim-request-id': requestId,
        'x-ms-region': 'Simulated',
      }
    case 'anthropic':
      return { ...common, 'request-id': requestId, 'anthropic-organization-id': 'simulated' }
  }
}

/** Answers with a body that is not generated. */
export function sendBody(call: ProviderCall, body: string): void {
  const { response } = call
  response.writeHead(200, {
    ...vendorHeaders(call, 'application/json'),
    'content-length': `${Buffer.byteLength(body)}`,
  })
  response.end(call.request.method === 'HEAD' ? '' : body)
}

/** Answers with an error in the vendor's shape. */
export function sendFailure(
  call: ProviderCall,
  failure: Failure,
  headers: readonly (readonly [string, string])[] = [],
): void {
  const now = new Date(call.host.unixMs())
  const firstOfNext = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)
  const date = new Date(firstOfNext).toISOString().slice(0, 10)
  const dated = { ...failure, message: failure.message.replace('NEXT-MONTH', date) }
  const body = failureBody(call.host.options.vendor, dated, call.requestId)
  sendError(call, { status: failure.status, headers, body })
}

/** An error whose body is written. */
export interface WrittenError {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

export function sendError(call: ProviderCall, { status, headers, body }: WrittenError): void {
  call.response.writeHead(status, {
    ...vendorHeaders(call, 'application/json'),
    ...Object.fromEntries(headers),
    'content-length': `${Buffer.byteLength(body)}`,
  })
  call.response.end(body)
}
