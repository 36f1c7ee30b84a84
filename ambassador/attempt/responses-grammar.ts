import { isObject } from '#shared/dialects/usage.ts'
import { type Meaning, nothing, type SaidError, saidError } from './meaning.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The meaning of one event of Responses, or of a whole response. Source:
 * https://platform.openai.com/docs/api-reference/responses-streaming and the types of openai 7.55.0.
 */
export function responsesMeaning(value: Json): Meaning {
  const { type, response } = value
  if (value['object'] === 'response') return responseMeaning(value)
  switch (type) {
    case 'response.completed':
    case 'response.incomplete':
      return {
        ...responseMeaning(isObject(response) ? response : {}),
        // What it holds has come before.
        hasContent: false,
        isLast: true,
      }
    case 'response.failed':
      return { ...nothing, error: errorOf(isObject(response) ? response : {}), isLast: true }
    case 'error':
      return { ...nothing, error: saidError({ ...value, type: '' }) }
    case 'response.created':
    case 'response.queued':
    case 'response.in_progress':
      // One that runs in the background runs on, whoever listens: a second try would be a second one.
      return { ...nothing, hasContent: isObject(response) && response['background'] === true }
    case 'response.output_item.added':
      return { ...nothing, hasContent: isCall(value['item']) }
    case 'response.output_item.done':
      return { ...nothing, hasContent: true }
    default:
      return isDelta(type) ? { ...nothing, hasContent: true } : nothing
  }
}

/** Of text, a refusal, reasoning, the arguments of a tool, and whatever else is generated. */
function isDelta(type: unknown): boolean {
  return typeof type === 'string' && type.startsWith('response.') && type.endsWith('.delta')
}

/** Of a function, or of a tool that the provider runs. */
function isCall(item: unknown): boolean {
  return isObject(item) && typeof item['type'] === 'string' && item['type'].endsWith('_call')
}

function responseMeaning(response: Json): Meaning {
  const { status } = response
  if (status === 'failed') return { ...nothing, error: errorOf(response) }
  // One under way, in the background, has no reason to have ended.
  if (status === 'queued' || status === 'in_progress') return nothing
  const details = response['incomplete_details']
  const reason = isObject(details) ? details['reason'] : undefined
  const finishReason = [reason, status].find((word) => typeof word === 'string')
  const hasContent = isFilled(response['output'])
  const isEmpty = status === 'completed' && !hasContent && isFree(response)
  return {
    ...nothing,
    hasContent,
    finishReason: typeof finishReason === 'string' ? finishReason : undefined,
    isAborted: status === 'cancelled' || isEmpty,
  }
}

/** Whether there is more than messages without a text. */
function isFilled(output: unknown): boolean {
  if (!Array.isArray(output)) return false
  return output.some(
    (item) => !isObject(item) || item['type'] !== 'message' || hasText(item['content']),
  )
}

function hasText(content: unknown): boolean {
  return Array.isArray(content) && content.some((part) => isObject(part) && part['text'] !== '')
}

/** Every answer has a token, if only that of its end: vLLM calls what it has aborted "completed". */
function isFree({ usage }: Json): boolean {
  return isObject(usage) && usage['output_tokens'] === 0
}

/** `response.error`; its codes are statuses that no head has told. */
function errorOf({ error }: Json): SaidError {
  const said = saidError(isObject(error) ? error : {})
  const status = said.status ?? (isOfQuestion(said.code) ? 400 : undefined)
  return { ...said, status }
}

/**
 * Codes of what nobody else would take either. Source: ResponseError of openai 7.55.0; those of images
 * and policies are many.
 */
function isOfQuestion(code: string): boolean {
  return code === 'invalid_prompt' || /image|_policy/.test(code)
}
