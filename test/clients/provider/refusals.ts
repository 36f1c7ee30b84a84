import type { WireDialect } from './question.ts'

/** The error type of OpenAI and of Anthropic for a status, from their API references. */
const types: Readonly<Record<number, readonly [openai: string, anthropic: string]>> = {
  400: ['invalid_request_error', 'invalid_request_error'],
  401: ['invalid_request_error', 'authentication_error'],
  403: ['invalid_request_error', 'permission_error'],
  404: ['invalid_request_error', 'not_found_error'],
  429: ['requests', 'rate_limit_error'],
  500: ['server_error', 'api_error'],
  503: ['server_error', 'overloaded_error'],
}

/** The body of a provider's refusal. */
export function refusalOf(dialect: WireDialect, status: number): object {
  const [openai = 'server_error', anthropic = 'api_error'] = types[status] ?? []
  const message = `refused with ${status}`
  if (dialect === 'messages') return { type: 'error', error: { type: anthropic, message } }
  return { error: { message, type: openai, param: null, code: null } }
}
