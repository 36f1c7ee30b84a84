import { CommandFailure, exits } from '#deploy/cli/terminal/failure.ts'
import { CallPlaces } from './call-places.ts'
import type { DecisionFile } from './decision-file.ts'
import { type LoggedCall, readDecision } from './read-decision.ts'
import { Tally } from './tally.ts'

/** What a file holds, in 44 bytes a call. */
export interface Survey {
  /** Where the calls stand that can be played again, in the order in which they came. */
  readonly places: CallPlaces
  /** Of the first of them, in ms since 1970. */
  readonly firstMs: number
  readonly spanMs: number
  readonly blockTokens: number
  /** The most there were to choose from. */
  readonly replicas: number
  /** KV tokens of a replica, as most lines say; undefined where none does. */
  readonly kvTokens: number | undefined
  /** What was measured when it happened. */
  readonly observed: Tally
  /** Of those calls. */
  readonly classes: ReadonlySet<string>
  /** Calls without an answer whose length is known. */
  readonly leftOut: number
}

/** Reads all of it once. Throws `CommandFailure` at the first line that is cut or malformed. */
export function survey(file: DecisionFile): Survey {
  const places = new CallPlaces()
  const observed = new Tally()
  const classes = new Set<string>()
  const capacities = new Map<number, number>()
  let [blockTokens, replicas, leftOut] = [0, 0, 0]
  for (const { number, text, ...place } of file.lines()) {
    const call = readDecision(text)
    if (typeof call === 'string') throw file.problem(number, call)
    if (call === undefined) continue
    if (blockTokens !== 0 && call.blockTokens !== blockTokens) {
      const why = `has blocks of ${call.blockTokens} tokens, those before of ${blockTokens}`
      throw file.problem(number, why)
    }
    blockTokens = call.blockTokens
    replicas = Math.max(replicas, call.replicas)
    if (call.kvBlocks !== undefined) {
      capacities.set(call.kvBlocks, (capacities.get(call.kvBlocks) ?? 0) + 1)
    }
    if (!isPlayable(call)) leftOut += 1
    else {
      places.add(call.at, place)
      classes.add(call.class)
      observed.add(asObserved(call))
    }
  }
  const { span } = places
  if (span === undefined) throw empty(file.path)
  const [kvBlocks] = [...capacities].toSorted(([, one], [, other]) => other - one)[0] ?? []
  const kvTokens = kvBlocks === undefined ? undefined : kvBlocks * blockTokens
  const { firstMs, lastMs } = span
  const spanMs = lastMs - firstMs
  return { places, firstMs, spanMs, blockTokens, replicas, kvTokens, observed, classes, leftOut }
}

function isPlayable({ outputTokens }: LoggedCall): boolean {
  return outputTokens !== undefined && outputTokens > 0
}

function asObserved(call: LoggedCall) {
  const { at, ttftMs, cachedReported, promptReported, promptTokens, outputTokens = 0 } = call
  return {
    size: promptTokens,
    ttftMs,
    promptTokens: promptReported ?? promptTokens,
    cachedTokens: cachedReported,
    outputTokens,
    startMs: at,
    endMs: at + call.durationMs,
  }
}

function empty(path: string): CommandFailure {
  return new CommandFailure(`There is no decision with an answer in '${path}'.`, {
    exit: exits.usage,
    remedy:
      'Set dispatch.decisions of the provider to true, and take the log of its ambassador from then on.',
  })
}
