import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { type ErrorCode, type ErrorRow, errorTable } from '#shared/errors/table.ts'
import { defectDetail } from './planted-defect.ts'
import type { Heard, SdkName } from './sdks.ts'

/** The class that an SDK raises for a status, and the `type` that its dialect's body has there. */
type Documented = readonly [raises: object, type: string]

const badRequest = 'invalid_request_error'

/**
 * By status. Classes: "Handling errors" in the README of either package, and for Anthropic's finer
 * ones its `core/error.d.ts`; a status that neither names raises the base class. Types:
 * https://platform.openai.com/docs/guides/error-codes, https://docs.anthropic.com/en/api/errors.
 */
const documented: Readonly<Record<number, Readonly<Record<SdkName, Documented>>>> = {
  400: {
    openai: [OpenAI.BadRequestError, badRequest],
    anthropic: [Anthropic.BadRequestError, badRequest],
  },
  401: {
    openai: [OpenAI.AuthenticationError, 'authentication_error'],
    anthropic: [Anthropic.AuthenticationError, 'authentication_error'],
  },
  403: {
    openai: [OpenAI.PermissionDeniedError, 'permission_error'],
    anthropic: [Anthropic.PermissionDeniedError, 'permission_error'],
  },
  404: {
    openai: [OpenAI.NotFoundError, badRequest],
    anthropic: [Anthropic.NotFoundError, 'not_found_error'],
  },
  405: unnamed(),
  408: unnamed(Anthropic.RequestTimeoutError),
  413: unnamed(Anthropic.ContentTooLargeError, 'request_too_large'),
  415: unnamed(),
  426: unnamed(),
  429: {
    openai: [OpenAI.RateLimitError, 'rate_limit_error'],
    anthropic: [Anthropic.RateLimitError, 'rate_limit_error'],
  },
  431: unnamed(Anthropic.RequestHeaderFieldsTooLargeError),
  500: server(Anthropic.InternalServerError, 'api_error'),
  502: server(Anthropic.InternalServerError, 'api_error'),
  503: server(Anthropic.ServiceUnavailableError, 'overloaded_error'),
  504: server(Anthropic.GatewayTimeoutError, 'timeout_error'),
}

function unnamed(raises: object = Anthropic.APIError, type = badRequest) {
  const openai: Documented = [OpenAI.APIError, badRequest]
  return { openai, anthropic: [raises, type] as const }
}

function server(raises: object, type: string) {
  const openai: Documented = [OpenAI.InternalServerError, 'server_error']
  return { openai, anthropic: [raises, type] as const }
}

/**
 * Who wrote the refusal: a layer, the server itself where no layer had a request to look at, or the
 * ambassador of a provider with which no further try would fare otherwise.
 */
export type Writer = 'layer' | 'parser' | 'lasting'

/** Holds a refusal to the table's row of `code` and to the documentation of the SDK that raised it. */
export function assertDocumented(heard: Heard, code: ErrorCode, writer: Writer): void {
  const { status, replay, isLasting = false } = rowOf(code)
  const [raises, type] = documented[status]?.[heard.sdk] ?? []
  assert.deepEqual([heard.status, errorIn(heard.body)['code']], [status, code])
  assert.equal(heard.thrown.constructor, raises)
  assert.equal(heard.headers.get('content-type'), 'application/json')
  // Between the halves only.
  assert.equal(heard.headers.get('x-outrigger-replay'), null)
  const call = heard.headers.get('x-outrigger-call')
  if (writer === 'parser') {
    // There is no call yet, and the dialect only as far as the head had come.
    assert.deepEqual([call, heard.headers.get('x-should-retry')], [null, 'false'])
    assertParserBody(heard, { code, type: status === 403 ? type : badRequest })
    return
  }
  assert.match(call ?? '', /^[0-9a-f-]{36}$/)
  const isPointless = replay === 'never' || isLasting || writer === 'lasting'
  assert.equal(heard.headers.get('x-should-retry'), isPointless ? 'false' : null)
  assert.equal(heard.headers.get('retry-after'), replay === 'safe' && !isPointless ? '1' : null)
  assertBody(heard, { code, type, call })
}

/** The table's own row type: most rows lack what one of them says. */
export function rowOf(code: ErrorCode): ErrorRow {
  return errorTable[code]
}

interface Expected {
  readonly code: ErrorCode
  readonly type: unknown
  readonly call: unknown
}

/** The whole body: a member more would be a promise that no documentation makes. */
function assertBody({ sdk, body }: Heard, { code, type, call }: Expected): void {
  const message = messageIn(body)
  if (sdk === 'anthropic') {
    assert.deepEqual(body, { type: 'error', error: { type, message, code }, request_id: call })
    return
  }
  const param = paramIn(body)
  assert.ok(param === null || typeof param === 'string')
  assert.deepEqual(body, { error: { message, type, param, code } })
}

function assertParserBody(
  { body, sdk }: Heard,
  { code, type }: Pick<Expected, 'code' | 'type'>,
): void {
  const error = { message: messageIn(body), type, code }
  // A head that never came whole names no path.
  const isAnthropic = sdk === 'anthropic' && code !== 'head-slow'
  assert.deepEqual(
    body,
    isAnthropic ? { type: 'error', error, request_id: null } : { error: { ...error, param: null } },
  )
}

/** Holds an error event inside a stream to its dialect: the base class, with our code. */
export function assertEvent({ sdk, thrown, status, body }: Heard, code: ErrorCode): void {
  const bases = { openai: OpenAI.APIError, anthropic: Anthropic.APIError }
  assert.deepEqual([thrown.constructor, status], [bases[sdk], undefined])
  assert.equal(errorIn(body)['code'], code)
  if (sdk === 'anthropic') assert.equal(membersOf(body)['type'], 'error')
}

/** Reads "Cannot <action>: <state>", and nothing of a cause. */
function messageIn(body: unknown): unknown {
  const { message } = errorIn(body)
  assert.match(String(message), /^Cannot [^:]+: .+/s)
  assert.ok(!String(message).includes(defectDetail))
  return message
}

function paramIn(body: unknown): unknown {
  return errorIn(body)['param']
}

function errorIn(body: unknown): Record<string, unknown> {
  return membersOf(membersOf(body)['error'])
}

function membersOf(value: unknown): Record<string, unknown> {
  assert.ok(typeof value === 'object' && value !== null)
  return { ...value }
}
