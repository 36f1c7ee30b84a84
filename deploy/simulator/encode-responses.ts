import type { Account, FinishReason } from './account.ts'
import type { Answer, Encoder, EncoderContext, Piece } from './encoder.ts'

function usageOf({ promptTokens, cachedTokens, completionTokens }: Account) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: {
      cached_tokens: cachedTokens,
      cache_write_tokens: 0,
      input_tokens_per_turn: [],
      cached_tokens_per_turn: [],
    },
    output_tokens: completionTokens,
    output_tokens_details: {
      reasoning_tokens: 0,
      tool_output_tokens: 0,
      output_tokens_per_turn: [],
      tool_output_tokens_per_turn: [],
    },
    total_tokens: promptTokens + completionTokens,
  }
}

/**
 * The response object; null is one that still runs. A call that was aborted says "completed", as
 * vLLM does.
 */
function responseOf(context: EncoderContext, ids: Ids, answer: Answer | null) {
  const { question, model, createdS } = context
  const isCut = answer?.finish === 'length'
  return {
    id: ids.response,
    created_at: createdS,
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    instructions: null,
    metadata: null,
    model,
    object: 'response',
    output: answer === null ? [] : [itemOf(context, ids, answer)],
    parallel_tool_calls: true,
    temperature: question.temperature,
    tool_choice: question.tool === null ? 'none' : 'required',
    tools: [],
    top_p: 1,
    background: false,
    max_output_tokens: question.limitTokens ?? question.tokensMax,
    max_tool_calls: null,
    previous_response_id: null,
    prompt: null,
    reasoning: null,
    service_tier: 'auto',
    status: answer === null ? 'in_progress' : isCut ? 'incomplete' : 'completed',
    text: null,
    top_logprobs: null,
    truncation: 'disabled',
    usage: answer === null ? null : usageOf(answer.account),
    user: null,
    presence_penalty: 0,
    frequency_penalty: 0,
    kv_transfer_params: null,
    ec_transfer_params: null,
    input_messages: null,
    output_messages: null,
  }
}

interface Ids {
  readonly response: string
  readonly item: string
  readonly call: string
}

/** The one output item; null is one that has just begun. */
function itemOf({ question }: EncoderContext, ids: Ids, answer: Answer | null) {
  const status = answer === null ? 'in_progress' : 'completed'
  if (question.tool !== null) {
    const { name } = question.tool
    return {
      arguments: answer?.text ?? '',
      call_id: ids.call,
      name,
      type: 'function_call',
      id: ids.item,
      status,
    }
  }
  const part = { annotations: [], text: answer?.text ?? '', type: 'output_text', logprobs: null }
  const content = answer === null ? [] : [part]
  return { id: ids.item, content, role: 'assistant', status, type: 'message', phase: null }
}

/** `/v1/responses`. Its ids do not follow `X-Request-Id`, and no `[DONE]` ends its streams. */
export function encodeResponses(context: EncoderContext): Encoder {
  const [response, item, call] = [
    `resp_${context.newId()}`,
    `msg_${context.newId()}`,
    `call_${context.newId()}`,
  ]
  const ids: Ids = { response, item, call }
  const { tool } = context.question
  let sequence = 0
  let text = ''
  const event = (type: string, fields: Readonly<Record<string, unknown>>) => {
    const numbered: Record<string, unknown> = { ...fields, sequence_number: sequence, type }
    sequence += 1
    // vLLM writes keys in alphabetical order on this surface.
    const sorted = Object.fromEntries(
      Object.entries(numbered).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
    return `event: ${type}\ndata: ${JSON.stringify(sorted)}\n\n`
  }
  const opening = () => [
    event('response.created', { response: responseOf(context, ids, null) }),
    event('response.in_progress', { response: responseOf(context, ids, null) }),
  ]
  const place = { content_index: 0, item_id: item, output_index: 0 }
  const callPlace = { item_id: item, output_index: 0 }
  const emptyPart = { annotations: [], text: '', type: 'output_text', logprobs: [] }

  const begin = () => {
    const added = event('response.output_item.added', {
      item: itemOf(context, ids, null),
      output_index: 0,
    })
    if (tool !== null) return [added]
    return [added, event('response.content_part.added', { ...place, part: emptyPart })]
  }

  const delta = (piece: Piece) => {
    if (piece.text === '') return []
    text += piece.text
    if (tool === null)
      return [event('response.output_text.delta', { ...place, delta: piece.text, logprobs: [] })]
    return [event('response.function_call_arguments.delta', { ...callPlace, delta: piece.text })]
  }

  const end = (finish: FinishReason, account: Account) => {
    const part = { annotations: [], text, type: 'output_text', logprobs: null }
    const answer = { text, finish, account }
    const done =
      tool === null
        ? [
            event('response.output_text.done', { ...place, logprobs: [], text }),
            event('response.content_part.done', { ...place, part }),
          ]
        : [
            event('response.function_call_arguments.done', {
              arguments: text,
              ...callPlace,
              name: tool.name,
            }),
          ]
    return [
      ...done,
      event('response.output_item.done', { item: itemOf(context, ids, answer), output_index: 0 }),
      event('response.completed', { response: responseOf(context, ids, answer) }),
    ]
  }

  return {
    opening,
    piece: (piece) => [
      ...(piece.isFirst ? begin() : []),
      ...delta(piece),
      ...(piece.finish === null ? [] : end(piece.finish, piece.account)),
    ],
    whole: (answer) => JSON.stringify(responseOf(context, ids, answer)),
    // Nothing tells of it: the events stop, after the opening ones at least.
    refusal: () => ({ events: sequence === 0 ? opening() : [], isCut: true }),
  }
}
