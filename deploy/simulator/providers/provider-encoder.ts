import { type Encoder, encoderOf } from '../encoder.ts'
import { anthropicWire } from './anthropic-wire.ts'
import { chatWire } from './chat-wire.ts'
import { failureBody, failureOf } from './failure.ts'
import { responsesWire } from './responses-wire.ts'
import { namedEvent, type WireContext } from './wire.ts'

/**
 * An encoder that writes as the vendor does: the simulator's own, of which each event and body is
 * rewritten. Its `refusal` is the vendor's error event.
 */
export function providerEncoder(context: WireContext): Encoder {
  const inner = encoderOf(context)
  const { dialect } = context.question
  const responses = responsesWire(inner)
  const refusal = () => ({ events: [errorEvent(context, responses.sequence())], isCut: false })
  if (dialect === 'messages') return { ...anthropicWire(context, inner), refusal }
  if (dialect === 'responses') return { ...responses.wire, refusal }
  return { ...chatWire(context, inner), refusal }
}

function errorEvent({ vendor, question, requestId }: WireContext, sequence: number): string {
  const failure = failureOf(vendor, vendor === 'anthropic' ? 'overloaded' : 'server-error')
  if (failure === null) throw new Error(`Cannot write an error event: "${vendor}" has none`)
  if (question.dialect !== 'responses') {
    const name = question.dialect === 'messages' ? 'event: error\n' : ''
    return `${name}data: ${failureBody(vendor, failure, requestId)}\n\n`
  }
  const { message } = failure
  const said = { code: 'server_error', message, param: null, sequence_number: sequence }
  return namedEvent(said, 'error')
}
