import type { Clock } from '#shared/call/clock.ts'
import type { Generation } from './generations.ts'

/** Where a span stands in its trace, as the W3C `traceparent` and `tracestate` carry it. */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string
  readonly sampled: boolean
  /** As received, at most 512 characters. */
  readonly tracestate?: string
}

export type AttributeValue = string | number | boolean | readonly string[]
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>

/** One piece of work in a trace; every verb is safe after `end` and does nothing there. */
export interface CallSpan {
  /** False where nothing of it is kept: facts need not be gathered. Only {@link keep} changes it. */
  readonly isRecording: boolean
  /** Whether {@link keep} would have it exported all the same. */
  readonly isDeferred: boolean
  /**
   * Has a deferred span exported, from its own beginning, with what it is told from here on and the
   * parts that it remembers. Does nothing to any other span.
   */
  keep(): void
  /** A part of a deferred span that went wrong, exported below it where it is kept. */
  remember(part: SpanPart): void
  /** What to send onwards; undefined where there is neither tracing nor a parent. */
  context(): TraceParent | undefined
  /** Another name: the good one is known only when the body has been read. */
  rename(name: string): void
  /** Sets an attribute; undefined is no attribute. */
  set(key: string, value: AttributeValue | undefined): void
  /** Something that happened at this moment within the span. */
  event(name: string, attributes?: Attributes): void
  /**
   * Marks the span failed; `errorType` is one of few codes or a status. There is no message: an
   * error's may quote the provider, and the provider may quote the prompt.
   */
  fail(errorType: string): void
  end(): void
}

/** A span that has ended before anybody knew whether it would be wanted. */
export interface SpanPart {
  readonly name: string
  readonly kind: SpanOptions['kind']
  readonly attributes: Attributes
  /** Milliseconds since 1970. */
  readonly startTimeWallMs: number
  readonly endTimeWallMs: number
  readonly errorType: string
}

export interface SpanOptions {
  readonly parent?: TraceParent | undefined
  readonly kind: 'server' | 'client' | 'internal'
  readonly attributes?: Attributes
  /** Milliseconds since 1970; the present moment where absent. */
  readonly startTimeWallMs?: number
}

export interface Tracer {
  start(name: string, options: SpanOptions): CallSpan
}

/** What `startTracing` of each half is given. */
export interface TracingOptions {
  /** Whole URL for OTLP/HTTP traces, such as `http://collector:4318/v1/traces`. */
  readonly endpoint: string
  /** Share of calls without a sampled parent that are traced, 0 to 1. */
  readonly ratio: number
  /** Whether a call that fails is exported although nobody had chosen it. */
  readonly keepsFailures: boolean
  readonly generation: Generation
  /** Identifies this process among its equals (`service.instance.id`); the pod name. */
  readonly instance: string
  readonly clock: Pick<Clock, 'after'>
  /** Told of spans that reach no collector: a number to count, never their content. */
  readonly onDropped: (spans: number, reason: DropReason) => void
}

/** `queue-full`: more than could be sent; `export-failed`: the collector; `stopped`: too late. */
export type DropReason = 'queue-full' | 'export-failed' | 'stopped'

/** A running export of spans. */
export interface Tracing {
  readonly tracer: Tracer
  /** Sends what is queued and ends within {@link stopMsMax}, whatever the collector does. */
  stop(): Promise<void>
}

/** Longest a stop waits for the collector, in milliseconds: a pod's grace period is for calls. */
export const stopMsMax = 3_000

const nothing = () => {}
/** Records nothing and has no context. */
export const noSpan: CallSpan = passing(undefined)

/** A span that records nothing and passes the caller's own context along. */
function passing(parent: TraceParent | undefined): CallSpan {
  return {
    isRecording: false,
    isDeferred: false,
    keep: nothing,
    remember: nothing,
    context: () => parent,
    rename: nothing,
    set: nothing,
    event: nothing,
    fail: nothing,
    end: nothing,
  }
}

/** Tracing switched off: nothing is recorded, and an incoming context is still passed on. */
export const noTracer: Tracer = {
  start: (_name, { parent }) => (parent === undefined ? noSpan : passing(parent)),
}
