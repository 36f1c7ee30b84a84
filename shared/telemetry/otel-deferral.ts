import {
  type IdGenerator,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace'
import type { TraceParent } from './tracing.ts'

/**
 * Lets a span begin late under ids that have been told before, whatever the sampler says: the library
 * has no word for it. Works because it begins a span without waiting for anything.
 */
export class Deferral {
  #own: TraceParent | undefined
  readonly idGenerator: IdGenerator
  readonly sampler: Sampler

  constructor(inner: Sampler) {
    const random = new RandomIdGenerator()
    this.idGenerator = {
      generateTraceId: () => this.#own?.traceId ?? random.generateTraceId(),
      generateSpanId: () => this.#own?.spanId ?? random.generateSpanId(),
    }
    this.sampler = {
      shouldSample: (...asked) =>
        this.#own === undefined
          ? inner.shouldSample(...asked)
          : { decision: SamplingDecision.RECORD_AND_SAMPLED },
      toString: () => `Deferral{${inner.toString()}}`,
    }
  }

  /** Runs `begin`: a span that begins there has the ids of `own` and is exported. */
  as<Span>(own: TraceParent, begin: () => Span): Span {
    this.#own = own
    try {
      return begin()
    } finally {
      this.#own = undefined
    }
  }
}
