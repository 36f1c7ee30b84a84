import { type Body, bytesBody, readBody } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { type HeaderList, header } from '#shared/http/headers.ts'
import { ThroughBody } from '#shared/http/through-body.ts'
import { idCharsMax } from '#shared/stored/sealed-id.ts'
import { answerShape } from '#shared/stored/shape.ts'
import { letGoUnread } from '../attempt/let-go.ts'
import type { AmbassadorCall } from '../call.ts'
import { PeekedBody } from '../retry/peeked-body.ts'
import { EventRewriter } from './event-rewriter.ts'
import { holderOf } from './holder.ts'
import { type Replace, ValueRewriter } from './id-rewriter.ts'
import type { Sealer } from './sealer.ts'

export interface Sealing {
  readonly sealer: Sealer
  readonly context: AmbassadorCall
  /** What the caller wrote, by the id that the provider knows. */
  readonly written: ReadonlyMap<string, string>
}

/** Each delta of a stream names its item: an id is sealed once. */
const cachedMax = 1_024
/** Refusals are short. */
const refusalBytesMax = 64 * 1024

/**
 * The provider's answer with ids that are good for the call's tenant alone; all else passes byte for
 * byte, and a refusal with the ids as the caller wrote them. Ends with the body.
 */
export async function sealedAnswer(
  response: CallResponse,
  sealing: Sealing,
): Promise<CallResponse> {
  const { context, written } = sealing
  if (response.status >= 400) {
    return written.size === 0 ? response : withWritten(response, sealing)
  }
  const replace = replaceOf(sealing)
  const type = header(response.headers, 'content-type') ?? ''
  const isEvents = type.startsWith('text/event-stream')
  const rewriter = isEvents
    ? new EventRewriter(answerShape, replace)
    : new ValueRewriter(answerShape, replace)
  // Held above already: its head tells its length and its usage.
  const whole = context.isWhole
    ? await readBody(response.body, Number.POSITIVE_INFINITY)
    : undefined
  if (whole !== undefined)
    return ofBytes(response, Buffer.concat([rewriter.feed(whole), rewriter.rest()]))
  const body = letGoUnread(new SealedBody(response.body, rewriter), context.atEnd)
  return { ...response, headers: withoutLength(response.headers), body }
}

function replaceOf({ sealer, context, written }: Sealing): Replace {
  const holder = holderOf(context)
  const { background } = context
  const cached = new Map<string, string>()
  return (place, id) => {
    // The first that the caller has not named itself.
    if (background?.id === undefined && place === 'response' && !written.has(id)) {
      if (background !== undefined) background.id = id
    }
    const known = cached.get(id)
    if (known !== undefined) return known
    if (id === '' || id.length > idCharsMax) return undefined
    const sealed = sealer.seal(id, holder)
    if (cached.size >= cachedMax) cached.clear()
    cached.set(id, sealed)
    return sealed
  }
}

/** Told of `resp_abc`, nobody would find it in what they have sent. */
async function withWritten(
  response: CallResponse,
  { context, written }: Sealing,
): Promise<CallResponse> {
  const peeked = new PeekedBody(response.body, refusalBytesMax)
  const whole = await peeked.whole
  if (whole === undefined) return { ...response, body: letGoUnread(peeked, context.atEnd) }
  peeked.cancel()
  // Ids have no letters that JSON or latin1 would write in another way.
  const text = inWrittenWords(whole.toString('latin1'), written)
  return ofBytes(response, Buffer.from(text, 'latin1'))
}

/** Letters of an id, without the full stop of a sentence. */
const idWord = /[A-Za-z0-9_-](?:[A-Za-z0-9._~-]*[A-Za-z0-9_~-])?/g

/** `text` with the ids as the caller wrote them, in one pass: one may be the beginning of another. */
export function inWrittenWords(text: string, written: ReadonlyMap<string, string>): string {
  return text.replace(idWord, (word) => written.get(word) ?? word)
}

function ofBytes(response: CallResponse, bytes: Buffer): CallResponse {
  const headers = withoutLength(response.headers)
  headers.push('content-length', String(bytes.length))
  return { ...response, headers, body: bytesBody(bytes) }
}

function withoutLength(list: HeaderList): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at] ?? ''
    if (name !== 'content-length') kept.push(name, list[at + 1] ?? '')
  }
  return kept
}

class SealedBody extends ThroughBody {
  readonly #rewriter: EventRewriter | ValueRewriter

  constructor(body: Body, rewriter: EventRewriter | ValueRewriter) {
    super(body)
    this.#rewriter = rewriter
  }

  override write(chunk: Buffer): boolean {
    const out = this.#rewriter.feed(chunk)
    return out.length === 0 ? true : super.write(out)
  }

  override end(): void {
    const rest = this.#rewriter.rest()
    if (rest.length > 0) super.write(rest)
    super.end()
  }
}
