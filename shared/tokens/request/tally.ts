/**
 * How far a number may be trusted: counted with the model's own tokenizer, computed by a rule its
 * provider or the community published, or guessed.
 */
export type Exactness = 'exact' | 'formula' | 'estimate'

/** What a part of a request is. Closed, so that a count has few parts however long the request. */
export type Kind =
  | 'framing'
  | 'text'
  | 'names'
  | 'tools'
  | 'tool choice'
  | 'tool calls'
  | 'tool results'
  | 'images'
  | 'documents'
  | 'audio'
  | 'video'
  | 'reasoning'
  | 'output schema'
  | 'stored history'
  | 'unknown'

/** Tokens of all parts of one kind that are known equally well; at least 1. */
export interface Part {
  readonly what: Kind
  readonly tokens: number
  readonly exactness: Exactness
}

/** Input tokens of one request. The total is as weak as its weakest part. */
export interface RequestCount {
  readonly tokens: number
  readonly exactness: Exactness
  /** At most one for each kind and exactness, in the order in which the kinds first occurred. */
  readonly parts: readonly Part[]
}

const exactnesses = ['exact', 'formula', 'estimate'] as const

const weakness: Readonly<Record<Exactness, number>> = { exact: 0, formula: 1, estimate: 2 }

export function weaker(one: Exactness, other: Exactness): Exactness {
  return weakness[one] >= weakness[other] ? one : other
}

/** The running sum of one request. */
export interface Tally {
  add(part: Part): void
  total(): RequestCount
}

export function createTally(): Tally {
  // A body may have ten thousands of messages: adding one allocates nothing.
  const kinds = new Map<Kind, Record<Exactness, number>>()
  return {
    add({ what, tokens, exactness }) {
      if (tokens === 0) return
      let sums = kinds.get(what)
      if (sums === undefined) {
        sums = { exact: 0, formula: 0, estimate: 0 }
        kinds.set(what, sums)
      }
      sums[exactness] += tokens
    },
    total() {
      const parts = [...kinds].flatMap(([what, sums]) =>
        exactnesses
          .filter((exactness) => sums[exactness] > 0)
          .map((exactness): Part => ({ what, tokens: sums[exactness], exactness })),
      )
      return {
        tokens: parts.reduce((sum, part) => sum + part.tokens, 0),
        exactness: parts.reduce<Exactness>((all, part) => weaker(all, part.exactness), 'exact'),
        parts,
      }
    },
  }
}
