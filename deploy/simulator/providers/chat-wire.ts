import type { Account } from '../account.ts'
import type { Encoder, Piece } from '../encoder.ts'
import { elements, type Fields, isFields, parseJson } from '../narrow.ts'
import { dataEvent, doneEvent } from '../openai-usage.ts'
import { eventData, type Wire, type WireContext } from './wire.ts'

const safe = { filtered: false, severity: 'safe' }
const filterResults = { hate: safe, self_harm: safe, sexual: safe, violence: safe }
const promptFilterResults = [{ prompt_index: 0, content_filter_results: filterResults }]
const fingerprint = 'fp_simulated'

/** OpenAI's `usage` of a chat completion. */
export function chatUsage({ promptTokens, cachedTokens, completionTokens }: Account) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/**
 * Chat completions of OpenAI and Azure: the finish reason has a chunk of its own, and with
 * `include_usage` every chunk but the last says `usage: null`. Azure's first chunk holds its
 * verdict on the prompt and no choice.
 */
export function chatWire(context: WireContext, inner: Encoder): Wire {
  const isAzure = context.vendor === 'azure'
  const base = {
    id: `chatcmpl-${context.requestId}`,
    object: 'chat.completion.chunk',
    created: context.createdS,
    model: context.model,
    ...(isAzure ? {} : { service_tier: 'default' }),
    system_fingerprint: fingerprint,
  }
  const noUsage = context.question.usage === 'none' ? {} : { usage: null }
  const chunk = (delta: unknown, reason: unknown) => {
    const filtered = isAzure ? { content_filter_results: reason === null ? filterResults : {} } : {}
    const choice = { index: 0, delta, logprobs: null, finish_reason: reason, ...filtered }
    return dataEvent({ ...base, choices: [choice], ...noUsage })
  }
  const rewrite = (event: string, { account }: Piece): string[] => {
    const data = eventData(event)
    if (!isFields(data)) return [doneEvent]
    const choice = elements(data['choices'])[0]
    if (!isFields(choice)) return [dataEvent({ ...base, choices: [], usage: chatUsage(account) })]
    const { delta, finish_reason: reason } = choice
    if (isFields(delta) && 'role' in delta) return [chunk({ ...delta, refusal: null }, null)]
    return reason === null ? [chunk(delta, null)] : [chunk(delta, null), chunk({}, reason)]
  }
  // Empty names and all, as Azure sends it.
  const preamble = { choices: [], created: 0, id: '', model: '', object: '' }
  return {
    opening: () => [],
    piece(piece) {
      const events = inner.piece(piece).flatMap((event) => rewrite(event, piece))
      if (!isAzure || !piece.isFirst) return events
      return [dataEvent({ ...preamble, prompt_filter_results: promptFilterResults }), ...events]
    },
    whole(answer) {
      const body = parseJson(inner.whole(answer))
      const choice = isFields(body) ? elements(body['choices'])[0] : undefined
      const message = isFields(choice) && isFields(choice['message']) ? choice['message'] : {}
      const whole = {
        index: 0,
        message: messageOf(message),
        logprobs: null,
        finish_reason: isFields(choice) ? choice['finish_reason'] : null,
        ...(isAzure ? { content_filter_results: filterResults } : {}),
      }
      return JSON.stringify({
        ...base,
        object: 'chat.completion',
        choices: [whole],
        usage: chatUsage(answer.account),
        ...(isAzure ? { prompt_filter_results: promptFilterResults } : {}),
      })
    },
  }
}

function messageOf(message: Fields) {
  const { content, tool_calls: calls } = message
  const called = calls === undefined ? {} : { tool_calls: calls }
  return { role: 'assistant', content, refusal: null, annotations: [], ...called }
}
