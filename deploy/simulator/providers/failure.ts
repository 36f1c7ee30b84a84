import type { Vendor } from './provider-options.ts'

/**
 * An error answer, before it is written in its vendor's shape; NEXT-MONTH in its message becomes a
 * date.
 */
export interface Failure {
  readonly status: number
  readonly type: string
  readonly code?: string | null
  readonly param?: string | null
  readonly message: string
  readonly details?: Readonly<Record<string, string>>
}

export type FailureName =
  | 'unauthorized'
  | 'forbidden'
  | 'credit-exhausted'
  | 'spend-limit'
  | 'project-spend-limit'
  | 'usage-limit'
  | 'own-spend-limit'
  | 'overloaded'
  | 'slow-down'
  | 'high-demand'
  | 'server-error'
  | 'content-filter'

const openai: Readonly<Partial<Record<FailureName, Failure>>> = {
  unauthorized: {
    status: 401,
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message:
      'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
  },
  forbidden: {
    status: 403,
    type: 'invalid_request_error',
    code: 'insufficient_permissions',
    message: 'You have insufficient permissions for this operation.',
  },
  'credit-exhausted': {
    status: 429,
    type: 'insufficient_quota',
    code: 'credit_balance_exhausted',
    message:
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
  },
  'spend-limit': {
    status: 429,
    type: 'insufficient_quota',
    code: 'organization_spend_limit_exceeded',
    message: 'Your organization has reached its spend limit.',
  },
  'project-spend-limit': {
    status: 429,
    type: 'insufficient_quota',
    code: 'project_spend_limit_exceeded',
    message: 'Your project has reached its spend limit.',
  },
  'usage-limit': {
    status: 429,
    type: 'insufficient_quota',
    code: 'organization_usage_limit_exceeded',
    message: 'Your organization has reached its usage limit.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    message: 'The engine is currently overloaded, please try again later.',
  },
  'slow-down': {
    status: 503,
    type: 'server_error',
    code: 'slow_down',
    message:
      'Slow Down. Please reduce your request rate to its original level, maintain a consistent rate for at least 15 minutes, and then gradually increase it.',
  },
  'server-error': {
    status: 500,
    type: 'server_error',
    message: 'The server had an error while processing your request. Sorry about that!',
  },
}

const anthropic: Readonly<Partial<Record<FailureName, Failure>>> = {
  unauthorized: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
  forbidden: {
    status: 403,
    type: 'permission_error',
    message: 'Your API key does not have permission to use the specified resource.',
  },
  'credit-exhausted': {
    status: 402,
    type: 'billing_error',
    message: 'Your credit balance is too low to access the Anthropic API.',
  },
  'spend-limit': {
    status: 429,
    type: 'rate_limit_error',
    message:
      "You have reached your API usage limits: your organization has crossed its monthly API usage threshold, set based on your organization's API tier. You will regain access on NEXT-MONTH at 00:00 UTC.",
    details: { error_code: 'enforced_spend_limit_reached' },
  },
  'own-spend-limit': {
    status: 400,
    type: 'invalid_request_error',
    message:
      'You have reached your specified API usage limits. You will regain access on NEXT-MONTH at 00:00 UTC.',
  },
  overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
  'server-error': { status: 500, type: 'api_error', message: 'Internal server error' },
}

const azure: Readonly<Partial<Record<FailureName, Failure>>> = {
  unauthorized: {
    status: 401,
    type: '',
    code: '401',
    message:
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
  },
  forbidden: {
    status: 403,
    type: '',
    code: '403',
    message: 'Access denied due to Virtual Network/Firewall rules.',
  },
  'high-demand': {
    status: 429,
    type: '',
    code: '429',
    message:
      'The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. For improved capacity reliability, consider switching to Provisioned Throughput.',
  },
  'content-filter': {
    status: 400,
    type: '',
    code: 'content_filter',
    param: 'prompt',
    message:
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
  },
  'server-error': {
    status: 500,
    type: 'server_error',
    message: 'The server had an error while processing your request. Sorry about that!',
  },
}

const tables: Readonly<Record<Vendor, Readonly<Partial<Record<FailureName, Failure>>>>> = {
  openai,
  anthropic,
  azure,
}

/** The failure of that name as `vendor` answers it, or null where it knows no such thing. */
export function failureOf(vendor: Vendor, name: string): Failure | null {
  const table: Readonly<Record<string, Failure>> = tables[vendor]
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null
}

const anthropicTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** A failure of a bare status, in `message`'s words. */
export function statusFailure(vendor: Vendor, status: number, message: string): Failure {
  const isServer = status >= 500
  if (vendor === 'anthropic') {
    const type = anthropicTypes[status] ?? (isServer ? 'api_error' : 'invalid_request_error')
    return { status, type, message }
  }
  if (status === 429) return { status, type: 'requests', code: 'rate_limit_exceeded', message }
  return { status, type: isServer ? 'server_error' : 'invalid_request_error', message }
}

/** The body of `failure` in its vendor's shape. */
export function failureBody(vendor: Vendor, failure: Failure, requestId: string): string {
  const { type, message, details } = failure
  if (vendor === 'anthropic') {
    const error = details === undefined ? { type, message } : { type, message, details }
    return JSON.stringify({ type: 'error', error, request_id: requestId })
  }
  const param = failure.param ?? null
  const code = failure.code ?? null
  if (vendor === 'openai' || type !== '') {
    return JSON.stringify({ error: { message, type, param, code } })
  }
  if (code !== 'content_filter') return JSON.stringify({ error: { code, message } })
  const hate = { filtered: true, severity: 'high' }
  const innererror = {
    code: 'ResponsibleAIPolicyViolation',
    content_filter_result: { hate },
  }
  return JSON.stringify({ error: { message, type: null, param, code, status: 400, innererror } })
}
