import {
  type Attributes,
  type AttributeValue,
  type CallSpan,
  noSpan,
  type SpanPart,
  type TraceParent,
} from './tracing.ts'

/** Parts that one call may leave behind: the ceiling of its attempts is far below. */
const partsMax = 32

interface DeferredParts {
  /** What goes onwards while nobody has chosen the call. */
  readonly own: TraceParent
  /** Begins the span that is exported after all, under the ids of `own`. */
  readonly begin: () => CallSpan
  readonly addPart: (part: SpanPart) => void
}

/**
 * A span that nobody has chosen, of a call that may yet fail. It takes nothing, so that a call that
 * succeeds pays for this object alone; what a failure is told by is known at its end.
 */
export class DeferredSpan implements CallSpan {
  readonly #from: DeferredParts
  #kept: CallSpan = noSpan
  #parts: SpanPart[] | undefined
  #hasEnded = false

  constructor(from: DeferredParts) {
    this.#from = from
  }

  get isRecording(): boolean {
    return this.#kept.isRecording
  }

  get isDeferred(): boolean {
    return this.#kept === noSpan && !this.#hasEnded
  }

  keep(): void {
    if (!this.isDeferred) return
    const { begin, addPart } = this.#from
    this.#kept = begin()
    for (const part of this.#parts ?? []) addPart(part)
    this.#parts = undefined
  }

  remember(part: SpanPart): void {
    if (!this.isDeferred) return
    this.#parts ??= []
    if (this.#parts.length < partsMax) this.#parts.push(part)
  }

  context(): TraceParent {
    return this.#from.own
  }

  rename(name: string): void {
    this.#kept.rename(name)
  }

  set(key: string, value: AttributeValue | undefined): void {
    this.#kept.set(key, value)
  }

  event(name: string, attributes?: Attributes): void {
    this.#kept.event(name, attributes)
  }

  fail(errorType: string): void {
    this.#kept.fail(errorType)
  }

  end(): void {
    this.#hasEnded = true
    this.#kept.end()
  }
}
