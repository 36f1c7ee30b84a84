/** What becomes of the matches of a split (huggingface/tokenizers, `SplitDelimiterBehavior`). */
export const behaviours = [
  'Isolated',
  'Removed',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] as const
export type Behaviour = (typeof behaviours)[number]

export interface SplitRule {
  /** With the flag `g`. */
  readonly regex: RegExp
  readonly behaviour: Behaviour
  /** Whether what lies between the matches counts as matches. */
  readonly isInverted: boolean
}

interface Span {
  readonly from: number
  to: number
  readonly isMatch: boolean
}

/** From text to its pieces, none empty. Isolated ones come one by one, others after a whole scan. */
export interface Splitter {
  (text: string): Iterable<string>
  /** Where the piece that begins at `at` ends, for isolated ones: without making the piece. */
  readonly pieceEnd?: (text: string, at: number) => number
}

export function splitter(rule: SplitRule): Splitter {
  const { regex, behaviour, isInverted } = rule
  // Matches and what lies between them are pieces alike: inverting changes nothing.
  if (behaviour === 'Isolated') return isolating(regex)
  return (text) => arrange(text, spansOf(text, regex, isInverted), behaviour)
}

/**
 * Most patterns match everywhere: trying at the end of the last match needs no array for the
 * match. `lastIndex` is set before each use, so that two counts can take turns.
 */
function isolating(regex: RegExp): Splitter {
  const sticky = new RegExp(regex.source, regex.flags.replace('g', 'y'))
  const pieceEnd = (text: string, at: number): number => {
    const end = matchEnd(sticky, text, at)
    return end > at ? end : gapEnd(regex, text, at)
  }
  function* isolate(text: string): Generator<string> {
    let at = 0
    while (at < text.length) {
      const end = pieceEnd(text, at)
      yield end - at === text.length ? text : text.slice(at, end)
      at = end
    }
  }
  return Object.assign(isolate, { pieceEnd })
}

/**
 * V8 keeps a way back for each repetition of a match, in 64 MB at most: runs of some million
 * characters overflow that. They are cut after so many code units, and their count may be off by
 * some tokens at each cut.
 */
const cutUnits = 2 ** 20

/** Where the match that begins at `at` ends; -1 for none. */
function matchEnd(sticky: RegExp, text: string, at: number): number {
  sticky.lastIndex = at
  try {
    return sticky.test(text) ? sticky.lastIndex : -1
  } catch (error) {
    if (!(error instanceof RangeError) || text.length - at <= cutUnits) throw error
    return at + matchEnd(sticky, text.slice(at, at + cutUnits), 0)
  }
}

/** Where the next match begins that is behind `at`, where none but an empty one begins. */
function gapEnd(regex: RegExp, text: string, at: number): number {
  regex.lastIndex = after(text, at)
  try {
    return regex.exec(text)?.index ?? text.length
  } catch (error) {
    if (!(error instanceof RangeError) || text.length - at <= cutUnits) throw error
    return at + gapEnd(regex, text.slice(at, at + cutUnits), 0)
  }
}

function after(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1)
}

/** Text over {@link cutUnits} is cut where it overflows, as above. */
function spansOf(text: string, regex: RegExp, isInverted: boolean): Span[] {
  try {
    return findSpans(text, regex, isInverted)
  } catch (error) {
    if (!(error instanceof RangeError) || text.length <= cutUnits) throw error
    const rest = spansOf(text.slice(cutUnits), regex, isInverted)
    const moved = rest.map((span) => ({
      ...span,
      from: span.from + cutUnits,
      to: span.to + cutUnits,
    }))
    return spansOf(text.slice(0, cutUnits), regex, isInverted).concat(moved)
  }
}

function findSpans(text: string, regex: RegExp, isInverted: boolean): Span[] {
  const spans: Span[] = []
  let end = 0
  for (const match of text.matchAll(regex)) {
    const from = match.index
    if (from > end) spans.push({ from: end, to: from, isMatch: isInverted })
    end = from + match[0].length
    spans.push({ from, to: end, isMatch: !isInverted })
  }
  if (end < text.length) spans.push({ from: end, to: text.length, isMatch: isInverted })
  return spans
}

function* arrange(text: string, spans: readonly Span[], behaviour: Behaviour): Generator<string> {
  for (const { from, to } of kept(spans, behaviour)) if (to > from) yield text.slice(from, to)
}

function kept(spans: readonly Span[], behaviour: Behaviour): readonly Span[] {
  switch (behaviour) {
    case 'Isolated':
      return spans
    case 'Removed':
      return spans.filter((span) => !span.isMatch)
    case 'Contiguous':
      return join(spans, (span, last) => span.isMatch === last.isMatch)
    case 'MergedWithPrevious':
      return join(spans, (span, last) => span.isMatch && !last.isMatch)
    case 'MergedWithNext':
      return join(spans, (span, last) => last.isMatch && !span.isMatch)
  }
}

/** Joins neighbours by what they were before any joining. */
function join(spans: readonly Span[], belongs: (span: Span, last: Span) => boolean): Span[] {
  const joined: Span[] = []
  let last: Span | undefined
  for (const span of spans) {
    const open = joined.at(-1)
    if (open !== undefined && last !== undefined && belongs(span, last)) open.to = span.to
    else joined.push({ ...span })
    last = span
  }
  return joined
}
