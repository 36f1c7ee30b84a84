import { type Encoder, encoderOf } from '../encoder.ts'
import { anthropicWire } from './anthropic-wire.ts'
import { chatWire } from './chat-wire.ts'
import { failureBody, failureOf } from './failure.ts'
import { responsesWire } from './responses-wire.ts'
import type { WireContext } from './wire.ts'

/**
 * An encoder that writes as the vendor does: the simulator's own, of which each event and body is
 * rewritten. Its `refusal` is the vendor's error event.
 */
export function providerEncoder(context: WireContext): Encoder {
  const inner = encoderOf(context)
  const refusal = () => ({ events: [errorEvent(context)], isCut: false })
  const { dialect } = context.question
  if (dialect === 'messages') return { ...anthropicWire(context, inner), refusal }
  if (dialect === 'responses') return { ...responsesWire(inner), refusal }
  return { ...chatWire(context, inner), refusal }
}

function errorEvent({ vendor, question, requestId }: WireContext): string {
  const failure = failureOf(vendor, vendor === 'anthropic' ? 'overloaded' : 'server-error')
  if (failure === null) throw new Error(`Cannot write an error event: "${vendor}" has none`)
  if (question.dialect !== 'responses') {
    const name = question.dialect === 'messages' ? 'event: error\n' : ''
    return `${name}data: ${failureBody(vendor, failure, requestId)}\n\n`
  }
  const { message } = failure
  const error = { type: 'error', code: 'server_error', message, param: null, sequence_number: 1 }
  return `event: error\ndata: ${JSON.stringify(error)}\n\n`
}
