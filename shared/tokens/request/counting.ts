import type { Family } from './family.ts'
import type { Exactness, Kind, Tally } from './tally.ts'

/** A text that is counted step by step. */
export interface TextCount {
  /** Of the whole text once a step gave true. */
  readonly tokens: number
  /** Goes on for about `bytesMax` bytes; whether the whole text is counted. */
  step(bytesMax: number): boolean
}

/** Counts texts by the tokenizer that serves the model, without special tokens. */
export interface Texts {
  /**
   * Tokens of `text`; undefined where that is too much for what is left of the step. Takes what it
   * cost from `progress.left`.
   */
  find(text: string, progress: Progress): number | undefined
  begin(text: string): TextCount
}

/** What is left of a count: goes on step by step, each of bounded cost. */
export interface Work {
  /** Whether it is done. May leave other work, which is done before it goes on. */
  step(counting: Counting): boolean
}

/** What goes on in one count of a request: changes with it. */
export interface Progress {
  /** Work that waits; the last is done first, so that little waits at a time. */
  readonly waiting: Work[]
  /** What is done when nothing waits any more. */
  readonly atEnd: (() => void)[]
  /** What may still be done in this step, in characters: 16,384 cost about 1 ms. */
  left: number
  /** Characters of texts that may still be counted; what comes behind them is estimated. */
  charactersLeft: number
  /** Characters that were counted, and their tokens: the ratio for what is not. */
  counted: number
  countedTokens: number
  /** Characters that were not counted, by what they are. */
  readonly uncounted: Map<Kind, number>
}

/** What every counter of a request needs. */
export interface Counting {
  readonly family: Family
  readonly texts: Texts
  readonly tally: Tally
  readonly progress: Progress
}

/** What a text is, and how well its tokens are known. */
export interface Label {
  readonly what: Kind
  readonly exactness: Exactness
}

/** Characters of one text that are counted at once: 0.5 ms of prose, below 2 ms of any text. */
export const charactersAtOnce = 8_192
/** What it costs to look at a text or at a part of a request, in characters. */
export const stepCost = 4

/** Adds characters beyond those that are counted: by the ratio of this very request. */
export function addUncounted(counting: Counting, { what }: Label, characters: number): void {
  const { uncounted } = counting.progress
  uncounted.set(what, (uncounted.get(what) ?? 0) + characters)
}

/** How well tokens of texts are known. */
export function textExactness(counting: Counting): Exactness {
  const rule = counting.family.text
  return rule.kind === 'tokenizer' ? rule.exactness : 'estimate'
}

export function addTokens(counting: Counting, { what, exactness }: Label, tokens: number): void {
  counting.tally.add({ what, tokens, exactness })
}

/** Adds a number that comes from a guess. */
export function addEstimate(counting: Counting, what: Kind, tokens: number): void {
  counting.tally.add({ what, tokens, exactness: 'estimate' })
}
