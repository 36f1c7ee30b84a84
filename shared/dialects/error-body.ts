import type { CallError } from '#shared/errors/call-error.ts'
import { notFoundWords } from '#shared/stored/refusals.ts'
import { type Dialect, dialects, type Family } from './surfaces.ts'

/** Error types of OpenAI's bodies, by status: https://platform.openai.com/docs/guides/error-codes. */
const openaiTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
}

/** Error types of Anthropic's bodies, by status: https://docs.anthropic.com/en/api/errors. */
const anthropicTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/**
 * Words by which clients know an error: LangChain, Cline and others look for them to shorten the
 * conversation. OpenAI's code and message as its API and vLLM write them, Anthropic's message.
 */
function wordsOf(family: Family, { code, facts, message }: CallError): Words {
  if (code === 'stored-not-found') return notFoundWords(facts)
  if (code !== 'context-window-exceeded') return { code, message }
  const { tokens, contextWindow } = facts
  if (family === 'anthropic') {
    return { code, message: `prompt is too long: ${tokens} tokens > ${contextWindow} maximum` }
  }
  return {
    code: 'context_length_exceeded',
    message:
      `This model's maximum context length is ${contextWindow} tokens. However, your messages ` +
      `resulted in ${tokens} tokens. Please reduce the length of the messages.`,
  }
}

interface Words {
  readonly code: string | null
  readonly message: string
}

/** The JSON text of `error` as the caller's SDK expects it. `call` is its id, where it has one. */
export function errorBody(family: Family, error: CallError, call: string | undefined): string {
  const { status } = error.row
  const fallback = status < 500 ? 'invalid_request_error' : undefined
  const field = error.facts['field']
  const { code, message } = wordsOf(family, error)
  if (family === 'anthropic') {
    const type = anthropicTypes[status] ?? fallback ?? 'api_error'
    return JSON.stringify({
      type: 'error',
      error: { type, message, code },
      request_id: call ?? null,
    })
  }
  const type = openaiTypes[status] ?? fallback ?? 'server_error'
  const param = typeof field === 'string' ? field : null
  return JSON.stringify({ error: { message, type, param, code } })
}

/** Where a stream broke. */
export interface Broken {
  readonly call: string
  /** Number of the event, for dialects that number theirs: one more than the last had. */
  readonly sequence: number
}

/**
 * The event that ends a stream which cannot go on. It is never followed by a clean terminator. Of
 * Responses: https://platform.openai.com/docs/api-reference/responses-streaming/error.
 */
export function errorEvent(dialect: Dialect, error: CallError, { call, sequence }: Broken): Buffer {
  const { family } = dialects[dialect]
  if (dialect === 'responses') {
    const { code, message } = wordsOf(family, error)
    const event = { type: 'error', code, message, param: null, sequence_number: sequence }
    return Buffer.from(`event: error\ndata: ${JSON.stringify(event)}\n\n`)
  }
  const body = errorBody(family, error, call)
  return Buffer.from(
    family === 'anthropic' ? `event: error\ndata: ${body}\n\n` : `data: ${body}\n\n`,
  )
}
