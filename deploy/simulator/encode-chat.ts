import type { FinishReason } from './account.ts'
import type { Answer, Encoder, EncoderContext, Piece } from './encoder.ts'
import {
  dataEvent,
  doneEvent,
  fingerprint,
  lastUsage,
  refusalEvents,
  runningUsage,
  timesOf,
  type UsageManner,
  wholeUsage,
} from './openai-usage.ts'

/** `/v1/chat/completions`. */
export function encodeChat(context: EncoderContext): Encoder {
  const { question, model, createdS } = context
  const id = `chatcmpl-${context.requestId}`
  const toolId = `chatcmpl-tool-${context.newId()}`
  const head = { id, object: 'chat.completion.chunk', created: createdS, model }
  const usageOf = (piece: Piece, completionTokens: number) =>
    question.usage === 'continuous'
      ? { usage: runningUsage({ ...piece.account, completionTokens }) }
      : {}

  const reasonOf = (finish: FinishReason | null) =>
    finish === 'stop' && question.tool !== null ? 'tool_calls' : finish

  const role = (piece: Piece) => ({
    ...head,
    choices: [
      { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
    ],
    ...usageOf(piece, 0),
    prompt_token_ids: null,
    prompt_text: null,
  })

  const delta = ({ text, isFirst }: Piece) => {
    if (question.tool === null) return { content: text }
    if (!isFirst) return { tool_calls: [{ index: 0, function: { arguments: text } }] }
    const called = { name: question.tool.name, arguments: text }
    return { tool_calls: [{ id: toolId, type: 'function', index: 0, function: called }] }
  }

  const chunk = (piece: Piece) => {
    const stop = piece.finish === null ? {} : { stop_reason: null }
    const end = { logprobs: null, finish_reason: reasonOf(piece.finish), ...stop, token_ids: null }
    const choices = [{ index: 0, delta: delta(piece), ...end }]
    return { ...head, choices, ...usageOf(piece, piece.account.completionTokens) }
  }

  return {
    opening: () => [],
    piece(piece) {
      const events = piece.isFirst ? [dataEvent(role(piece))] : []
      if (piece.finish === null) return [...events, dataEvent(chunk(piece))]
      const usage = lastUsage(piece.account, mannerOf(context))
      if (question.usage === 'none') {
        return [
          ...events,
          dataEvent({ ...chunk(piece), system_fingerprint: fingerprint }),
          doneEvent,
        ]
      }
      const last = dataEvent({ ...head, choices: [], usage, system_fingerprint: fingerprint })
      return [...events, dataEvent(chunk(piece)), last, doneEvent]
    },
    whole: (answer) =>
      JSON.stringify(wholeChat(context, { id, toolId, answer, reason: reasonOf(answer.finish) })),
    refusal: (why) => ({ events: refusalEvents(why), isCut: false }),
  }
}

function mannerOf({ tellsDetails = true }: EncoderContext): UsageManner {
  return { tellsCreated: true, tellsDetails }
}

interface Whole {
  readonly id: string
  readonly toolId: string
  readonly answer: Answer
  readonly reason: string | null
}

function wholeChat(context: EncoderContext, { id, toolId, answer, reason }: Whole) {
  const { tool } = context.question
  const called = tool === null ? null : { name: tool.name, arguments: answer.text }
  const message = {
    role: 'assistant',
    content: called === null ? answer.text : null,
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    ...(called === null
      ? {}
      : { tool_calls: [{ id: toolId, type: 'function', function: called }] }),
    reasoning: null,
  }
  const end = {
    logprobs: null,
    finish_reason: reason,
    stop_reason: null,
    token_ids: null,
    routed_experts: null,
  }
  return {
    id,
    object: 'chat.completion',
    created: context.createdS,
    model: context.model,
    choices: [{ index: 0, message, ...end }],
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: wholeUsage(answer.account, mannerOf(context)),
    prompt_logprobs: null,
    prompt_token_ids: null,
    prompt_text: null,
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: timesOf(answer.account),
  }
}
