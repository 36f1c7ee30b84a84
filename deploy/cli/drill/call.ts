import { isMap } from '#shared/config/problems.ts'

/** How a call ended for the application. */
export type CallOutcome =
  /** Answered, to the end. */
  | 'answered'
  /** Refused by the tenant's own limits, as the configuration wants it. */
  | 'refused'
  /** An error before any content: another target could still have answered. */
  | 'failed'
  /** Broken off after content, and the application was told: an error event or a reset. */
  | 'cut'
  /** Broken off after content, and it looked like an end. */
  | 'cut-silently'

/** One call as the application saw it. */
export interface CallRecord {
  readonly phase: Phase
  readonly callClass: 'interactive' | 'batch'
  readonly id: string
  readonly status: number
  readonly provider: string
  /** Targets that were passed over, and why; empty where none was. */
  readonly passedOver: string
  readonly outcome: CallOutcome
  /** Code of the error; empty where there is none. */
  readonly code: string
  /** Until the first content, or the end of an answer without. */
  readonly firstMs: number
  readonly hasRetryAfter: boolean
}

/** When a call was under way: ended before the fault, met it, or began after it. */
export type Phase = 'before' | 'during' | 'after'

/** What is asked. */
export interface CallPlan {
  readonly port: number
  readonly model: string
  readonly dialect: 'chat' | 'messages'
  readonly callClass: 'interactive' | 'batch'
}

/** Above the deadline of any configuration that is drilled: what takes longer hangs. */
const callMsMax = 60_000
const answerTokens = 24
const question = [{ role: 'user', content: 'Say hello' }]

const paths = { chat: '/v1/chat/completions', messages: '/v1/messages' }
/** What only a whole answer has. */
const ends = { chat: /"finish_reason":"\w+"[\s\S]*data: \[DONE\]/, messages: /"message_stop"/ }
const contents = { chat: /"content":"[^"]/, messages: /"text_delta"/ }
const errors = { chat: /data: \{"error"/, messages: /event: error/ }

/** Asks one question as a stream and reads the answer to its end. Never rejects. */
export async function callOnce(plan: CallPlan, phase: Phase): Promise<CallRecord> {
  const beganMs = performance.now()
  const common = { phase, callClass: plan.callClass }
  const sinceMs = () => performance.now() - beganMs
  let response: Response
  try {
    response = await ask(plan)
  } catch (error) {
    const nothing = { id: '', status: 0, provider: '', passedOver: '', hasRetryAfter: false }
    return { ...common, ...nothing, outcome: 'failed', code: nameOf(error), firstMs: sinceMs() }
  }
  const { status, headers } = response
  const told = {
    ...common,
    id: headers.get('x-outrigger-call') ?? '',
    status,
    provider: headers.get('x-outrigger-provider') ?? '',
    passedOver: headers.get('x-outrigger-passed-over') ?? '',
    hasRetryAfter: headers.has('retry-after'),
  }
  const { text, firstMs, broke } = await readAnswer(response, contents[plan.dialect], sinceMs)
  return { ...told, ...judge({ plan, status, text, broke }), firstMs: firstMs ?? sinceMs() }
}

function ask({ port, model, dialect, callClass }: CallPlan): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${paths[dialect]}`, {
    method: 'POST',
    signal: AbortSignal.timeout(callMsMax),
    headers: {
      'content-type': 'application/json',
      'x-outrigger-class': callClass,
      ...(dialect === 'messages' ? { 'anthropic-version': '2023-06-01' } : {}),
    },
    body: JSON.stringify({ model, stream: true, max_tokens: answerTokens, messages: question }),
  })
}

interface Answer {
  readonly text: string
  readonly firstMs: number | undefined
  /** Why reading ended early; empty where it did not. */
  readonly broke: string
}

async function readAnswer(
  response: Response,
  content: RegExp,
  sinceMs: () => number,
): Promise<Answer> {
  const decoder = new TextDecoder()
  let text = ''
  let firstMs: number | undefined
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (firstMs === undefined && content.test(text)) firstMs = sinceMs()
    }
    return { text, firstMs, broke: '' }
  } catch (error) {
    return { text, firstMs, broke: nameOf(error) }
  }
}

interface Judged {
  readonly plan: CallPlan
  readonly status: number
  readonly text: string
  readonly broke: string
}

/** Codes with which an ambassador holds a tenant to its own limits. */
const tenantCodes = new Set(['tenant-limit', 'tenant-concurrency'])

function judge({ plan, status, text, broke }: Judged): Pick<CallRecord, 'outcome' | 'code'> {
  const code = codeIn(text) ?? (broke === '' ? `status-${status}` : broke)
  if (status >= 400) return { outcome: tenantCodes.has(code) ? 'refused' : 'failed', code }
  if (broke === '' && ends[plan.dialect].test(text)) return { outcome: 'answered', code: '' }
  const isTold = broke !== '' || errors[plan.dialect].test(text)
  if (!contents[plan.dialect].test(text)) return { outcome: 'failed', code }
  return { outcome: isTold ? 'cut' : 'cut-silently', code }
}

/** The code in an error body or event of either dialect. */
function codeIn(text: string): string | undefined {
  return /"code":"([a-z0-9_-]+)"/.exec(text)?.[1]
}

function nameOf(error: unknown): string {
  if (!isMap(error)) return 'unknown'
  const cause = isMap(error['cause']) ? error['cause']['code'] : undefined
  return String(cause ?? error['name'])
}
