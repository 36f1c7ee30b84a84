import type { Account, FinishReason } from './account.ts'
import type { Answer, Encoder, EncoderContext, Piece } from './encoder.ts'
import { parseJson } from './narrow.ts'
import type { Refusal } from './refusal.ts'

function named(value: { readonly type: string }): string {
  return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
}

/**
 * Anthropic's usage as vLLM writes it: `input_tokens` leaves out what was cached and what was
 * cached just now.
 */
function usageOf({ promptTokens, cachedTokens, createdTokens, completionTokens }: Account) {
  return {
    input_tokens: Math.max(0, promptTokens - cachedTokens - createdTokens),
    output_tokens: completionTokens,
    cache_creation_input_tokens: createdTokens,
    cache_read_input_tokens: cachedTokens,
  }
}

/**
 * Long as it is, it is what vLLM 0.32.0 sends: the refusal of the chat layer below does not pass its
 * own model.
 */
function refusalMessage({ message, status }: Refusal): string {
  const value = `{'error': {'message': '${message.slice(0, 2)}...am': None, 'code': ${status}}}`
  const fields = ['model', 'choices'].map(
    (field) =>
      `\n${field}\n  Field required [type=missing, input_value=${value}, ` +
      'input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.14/v/missing',
  )
  return `2 validation errors for ChatCompletionStreamResponse${fields.join('')}`
}

/** `/v1/messages`. */
export function encodeMessages(context: EncoderContext): Encoder {
  const { question, model } = context
  const id = `chatcmpl-${context.requestId}`
  const toolId = `toolu_${context.newId()}`
  const { tool } = question

  const told = (account: Account): Account =>
    context.tellsDetails === false ? { ...account, cachedTokens: 0, createdTokens: 0 } : account

  const stopReason = (finish: FinishReason) => {
    if (finish === 'abort') return null
    if (finish === 'length') return 'max_tokens'
    return tool === null ? 'end_turn' : 'tool_use'
  }

  const start = (account: Account): string[] => {
    const usage = { input_tokens: account.promptTokens, output_tokens: 0 }
    const base = { id, type: 'message', role: 'assistant', content: [], model }
    const message = { ...base, stop_reason: null, stop_sequence: null, usage }
    const block =
      tool === null
        ? { type: 'text', text: '' }
        : { type: 'tool_use', id: toolId, name: tool.name, input: {} }
    return [
      `event: message_start\ndata: ${JSON.stringify({ type: 'message_start', message })}\n\n`,
      `event: content_block_start\ndata: ${JSON.stringify({ type: 'content_block_start', content_block: block, index: 0 })}\n\n`,
    ]
  }

  const end = (finish: FinishReason, account: Account): string[] => {
    const delta = { stop_reason: stopReason(finish), stop_sequence: null }
    const change = { type: 'message_delta', delta, usage: usageOf(account) }
    const stop = { type: 'content_block_stop', index: 0 }
    return [named(stop), named(change), named({ type: 'message_stop' })]
  }

  const text = (piece: Piece): string[] => {
    if (piece.text === '') return []
    const delta =
      tool === null
        ? { type: 'text_delta', text: piece.text }
        : { type: 'input_json_delta', partial_json: piece.text }
    const event = { type: 'content_block_delta', delta, index: 0 }
    return [named(event)]
  }

  const whole = ({ text: content, finish, account }: Answer) => {
    const input = parseJson(content) ?? {}
    const block =
      tool === null
        ? { type: 'text', text: content }
        : { type: 'tool_use', id: toolId, name: tool.name, input }
    const reason = stopReason(finish)
    return {
      id,
      type: 'message',
      role: 'assistant',
      content: [block],
      model,
      ...(reason === null ? {} : { stop_reason: reason }),
      usage: usageOf(account),
    }
  }

  return {
    opening: () => [],
    piece: (piece) => [
      ...(piece.isFirst ? start(piece.account) : []),
      ...text(piece),
      ...(piece.finish === null ? [] : end(piece.finish, told(piece.account))),
    ],
    whole: (answer) => JSON.stringify(whole({ ...answer, account: told(answer.account) })),
    refusal(why) {
      const message = refusalMessage(why)
      const body = JSON.stringify({ type: 'error', error: { type: 'internal_error', message } })
      return { events: [`event: error\ndata: ${body}\n\n`], isCut: false }
    },
  }
}
