import type { Encoder } from '../encoder.ts'
import { type Fields, isFields, parseJson, textOr } from '../narrow.ts'
import { eventData, namedEvent, type Wire } from './wire.ts'

/** What only vLLM's response object has. */
const foreign: ReadonlySet<string> = new Set([
  'kv_transfer_params',
  'ec_transfer_params',
  'input_messages',
  'output_messages',
  'presence_penalty',
  'frequency_penalty',
])

/** A wire, and the number that its next event would have. */
export interface NumberedWire {
  readonly wire: Wire
  readonly sequence: () => number
}

/** Responses of OpenAI and Azure; one that was cut by its limit ends with `response.incomplete`. */
export function responsesWire(inner: Encoder): NumberedWire {
  let sequence = 0
  const rewrite = (event: string): string => {
    const data = eventData(event)
    sequence += 1
    if (!isFields(data) || !isFields(data['response'])) return event
    const response = responseOf(data['response'])
    const isIncomplete =
      data['type'] === 'response.completed' && response['status'] === 'incomplete'
    const type = isIncomplete ? 'response.incomplete' : textOr(data['type'], '')
    return namedEvent({ ...data, response }, type)
  }
  const wire: Wire = {
    opening: () => inner.opening().map(rewrite),
    piece: (piece) => inner.piece(piece).map(rewrite),
    whole(answer) {
      const body = parseJson(inner.whole(answer))
      return JSON.stringify(isFields(body) ? responseOf(body) : body)
    },
  }
  return { wire, sequence: () => sequence }
}

function responseOf(given: Fields): Fields {
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => !foreign.has(name)))
  const usage = isFields(given['usage']) ? usageOf(given['usage']) : null
  return { ...own, error: null, usage, service_tier: 'default' }
}

function usageOf({ input_tokens, input_tokens_details, output_tokens, total_tokens }: Fields) {
  const details = isFields(input_tokens_details) ? input_tokens_details : {}
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: details['cached_tokens'] ?? 0, cache_write_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens,
  }
}
