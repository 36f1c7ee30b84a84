import type { Encoder, EncoderContext } from '../encoder.ts'
import { parseJson } from '../narrow.ts'
import type { Vendor } from './provider-options.ts'

/** What a wire knows of its call. */
export interface WireContext extends EncoderContext {
  readonly vendor: Vendor
}

/** How one vendor writes an answer; its error event is apart. */
export type Wire = Omit<Encoder, 'refusal'>

/** The data of one event; undefined where it is not JSON, as `[DONE]`. */
export function eventData(event: string): unknown {
  return parseJson(event.slice(event.indexOf('data: ') + 6))
}

/** An event named for its type. */
export function namedEvent(value: Readonly<Record<string, unknown>>, type: string): string {
  return `event: ${type}\ndata: ${JSON.stringify({ ...value, type })}\n\n`
}
