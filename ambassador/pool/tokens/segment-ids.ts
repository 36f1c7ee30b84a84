import type { SegmentEncoder } from '#shared/tokens/hugging-face/segments.ts'
import { canCut, cutText } from './cut-text.ts'
import type { TextAt } from './encode-thread.ts'
import { digestOf, IdCache } from './id-cache.ts'

/** Encodes texts elsewhere: {@link EncodeThread}. */
export interface ApartEncoder {
  encode(texts: readonly TextAt[]): Promise<readonly Uint32Array[]>
}

export interface SegmentParts {
  readonly encoder: SegmentEncoder
  /** For what is long. */
  readonly apart: ApartEncoder
  /** Of the memory of ids: those of 100,000 tokens take 400 KB. */
  readonly cacheBytesMax: number
}

/** New text of one prompt that is encoded at once: 3 ms. More goes to the thread. */
const charactersAtOnce = 32 * 1024

/** What names a role and what parts two messages: looked up as they are. */
const shortMax = 12
const shortsMax = 4_096

/** Texts that are cut: of two documents that begin alike what is alike is encoded once. */
const longMin = 8_192

/** A text between two added tokens. */
interface Segment extends TextAt {
  readonly key: string
}

/** Ids by the keys of their texts, once they are there. */
type Batch = Promise<ReadonlyMap<string, Uint32Array>>

type Piece = number | Uint32Array | Segment

/**
 * Ids of whole prompts. A prompt is taken apart at its special tokens, beside which tokens are
 * independent of each other; a text between two that came before has its ids from memory. So each
 * turn of a conversation encodes what is new in it, whatever the template does with the earlier ones. Long
 * texts are taken apart at lines as well, where the tokenizer begins anew there.
 */
export class SegmentIds {
  readonly #parts: SegmentParts
  readonly #cache: IdCache
  readonly #canCut: boolean
  readonly #shorts = new Map<string, Uint32Array>()
  /** What the thread is at: a burst of equal prompts is encoded once. */
  readonly #pending = new Map<string, Batch>()

  constructor(parts: SegmentParts) {
    this.#parts = parts
    this.#canCut = canCut(parts.encoder)
    this.#cache = new IdCache(parts.cacheBytesMax)
  }

  /** At once where little is new; else a promise, which rejects as the thread does. */
  idsOf(text: string): Uint32Array | Promise<Uint32Array> {
    const pieces: Piece[] = []
    let missing = 0
    let isPending = false
    for (const piece of this.#pieces(text)) {
      pieces.push(piece)
      if (!isSegment(piece)) continue
      missing += piece.text.length
      isPending ||= this.#pending.has(piece.key)
    }
    if (missing > charactersAtOnce || isPending) return this.#later(pieces)
    return joined(pieces.map((piece) => (isSegment(piece) ? this.#encode(piece) : piece)))
  }

  /** Of a text that stands behind others; undefined where it is long. Nothing of it is kept. */
  idsAtOnce(text: string): Uint32Array | undefined {
    return text.length > charactersAtOnce ? undefined : this.#parts.encoder.encode(text, false)
  }

  *#pieces(text: string): Generator<Piece> {
    for (const { from, part } of this.#parts.encoder.split(text)) {
      if (typeof part === 'number') yield part
      else if (part.length < longMin || !this.#canCut) yield this.#find(part, from === 0)
      else {
        for (const [at, chunk] of cutText(part).entries()) {
          yield this.#find(chunk, from === 0 && at === 0)
        }
      }
    }
  }

  #find(text: string, isStart: boolean): Uint32Array | Segment {
    if (text.length <= shortMax) return this.#short(text, isStart)
    const key = isStart ? `^${digestOf(text)}` : digestOf(text)
    return this.#cache.find(key) ?? { text, isStart, key }
  }

  #short(text: string, isStart: boolean): Uint32Array {
    const { encoder } = this.#parts
    if (isStart) return encoder.encode(text, true)
    const known = this.#shorts.get(text)
    if (known !== undefined) return known
    if (this.#shorts.size >= shortsMax) this.#shorts.clear()
    const ids = encoder.encode(text, false)
    this.#shorts.set(text, ids)
    return ids
  }

  #encode({ text, isStart, key }: Segment): Uint32Array {
    const ids = this.#parts.encoder.encode(text, isStart)
    this.#cache.add(key, ids)
    return ids
  }

  async #later(pieces: readonly Piece[]): Promise<Uint32Array> {
    const found = pieces.filter(isSegment)
    const fresh = new Map(found.map((segment) => [segment.key, segment]))
    const batches = new Set<Batch>()
    for (const key of fresh.keys()) {
      const pending = this.#pending.get(key)
      if (pending === undefined) continue
      batches.add(pending)
      fresh.delete(key)
    }
    if (fresh.size > 0) batches.add(this.#apart([...fresh.values()]))
    const ids = new Map((await Promise.all(batches)).flatMap((batch) => [...batch]))
    return joined(pieces.map((piece) => (isSegment(piece) ? (ids.get(piece.key) ?? none) : piece)))
  }

  #apart(segments: readonly Segment[]): Batch {
    const batch = this.#encodeApart(segments)
    for (const { key } of segments) this.#pending.set(key, batch)
    return batch
  }

  async #encodeApart(segments: readonly Segment[]): Promise<ReadonlyMap<string, Uint32Array>> {
    try {
      const texts = segments.map(({ text, isStart }) => ({ text, isStart }))
      const lists = await this.#parts.apart.encode(texts)
      const ids = new Map(segments.map(({ key }, at) => [key, lists[at] ?? none]))
      for (const [key, list] of ids) this.#cache.add(key, list)
      return ids
    } finally {
      for (const { key } of segments) this.#pending.delete(key)
    }
  }
}

const none = new Uint32Array(0)

function isSegment(piece: Piece): piece is Segment {
  return typeof piece !== 'number' && !(piece instanceof Uint32Array)
}

function joined(pieces: readonly (number | Uint32Array)[]): Uint32Array {
  let length = 0
  for (const piece of pieces) length += typeof piece === 'number' ? 1 : piece.length
  const ids = new Uint32Array(length)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'number') ids[at++] = piece
    else {
      ids.set(piece, at)
      at += piece.length
    }
  }
  return ids
}
