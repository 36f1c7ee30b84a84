import type { Account } from '../account.ts'
import type { Encoder, Piece } from '../encoder.ts'
import { isFields, parseJson } from '../narrow.ts'
import { eventData, namedEvent, type Wire, type WireContext } from './wire.ts'

/** Anthropic's `usage`: `input_tokens` is what was neither read from the cache nor written to it. */
export function messagesUsage(account: Account, outputTokens: number) {
  const { promptTokens, cachedTokens, createdTokens } = account
  return {
    input_tokens: Math.max(0, promptTokens - cachedTokens - createdTokens),
    cache_creation_input_tokens: createdTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation: { ephemeral_5m_input_tokens: createdTokens, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: 'standard',
  }
}

const pingEvent = 'event: ping\ndata: {"type":"ping"}\n\n'

/** Anthropic's messages: a `ping` follows the start of the block, usage is cumulative. */
export function anthropicWire(context: WireContext, inner: Encoder): Wire {
  const id = `msg_${context.requestId}`
  const rewrite = (event: string, { account }: Piece): string[] => {
    const data = eventData(event)
    if (!isFields(data)) return [event]
    if (data['type'] === 'content_block_start') return [event, pingEvent]
    if (data['type'] === 'message_delta') {
      const {
        cache_creation: _,
        service_tier: __,
        ...usage
      } = messagesUsage(account, account.completionTokens)
      return [namedEvent({ ...data, usage }, 'message_delta')]
    }
    if (data['type'] !== 'message_start' || !isFields(data['message'])) return [event]
    // Captures begin at one output token, whatever follows.
    const message = { ...data['message'], id, usage: messagesUsage(account, 1) }
    return [namedEvent({ ...data, message }, 'message_start')]
  }
  return {
    opening: () => [],
    piece: (piece) => inner.piece(piece).flatMap((event) => rewrite(event, piece)),
    whole(answer) {
      const body = parseJson(inner.whole(answer))
      const { account } = answer
      const usage = messagesUsage(account, account.completionTokens)
      return JSON.stringify({ ...(isFields(body) ? body : {}), id, stop_sequence: null, usage })
    },
  }
}
