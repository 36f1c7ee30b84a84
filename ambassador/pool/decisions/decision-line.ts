import type { PoolCall } from '../dispatch/pool-call.ts'
import type { DecisionRecord } from './decision-record.ts'
import { markText, prefixText, samplesOf } from './prefix-samples.ts'
import type { SampleSeal } from './sealed-samples.ts'

/**
 * One call as a line of the log: all that a simulator needs to play it again. Of the prompt it tells where
 * it begins as others of the same process do, and nothing that a guess could be tried on.
 */
export type DecisionLine = Readonly<Record<string, string | number | undefined | readonly string[]>>

/** What a line has beside its record. */
export interface LineFacts {
  readonly call: Pick<PoolCall, 'chain' | 'outputMax'>
  readonly blockTokens: number
  /** The same for all lines that are to be compared. */
  readonly seal: SampleSeal
  /** Of the chosen replica; undefined where it does not say. */
  readonly kvBlocks: number | undefined
  /** From the call’s coming to its end. */
  readonly durationMs: number
}

/** Longest name of a line, in characters: all of it stays within 2 KiB. */
const nameCharsMax = 64

export function decisionLine(
  record: DecisionRecord,
  { call, blockTokens, seal, kvBlocks, durationMs }: LineFacts,
): DecisionLine {
  const view = record.view(0)
  const sharedBlocks = Math.floor(record.sharedTokens / blockTokens)
  const samples = seal.of(samplesOf(call.chain, [sharedBlocks, call.chain.length]))
  const { end } = view
  return {
    call: view.id,
    at: Math.round(view.at),
    tenant: cut(view.tenant),
    class: cut(view.class),
    model: cut(view.model),
    adapter: cut(view.adapter),
    promptTokens: view.promptTokens,
    blockTokens,
    step: samples.step,
    prefix: prefixText(samples),
    marks: samples.marks.map(markText),
    outputTokens: end?.outputTokens,
    outputMax: Number.isFinite(call.outputMax) ? call.outputMax : undefined,
    policy: view.policy,
    replica: cut(view.replica),
    replicas: view.candidates,
    kvBlocks,
    heldMs: tenths(view.heldMs),
    heldFor: view.heldFor,
    tier: view.tier,
    cachedPredicted: view.cachedTokens,
    cachedReported: end?.cachedTokens,
    promptReported: end?.promptTokens,
    ttftMs: tenths(end?.ttftMs),
    durationMs: tenths(durationMs),
    outcome: end?.outcome,
  }
}

function cut(name: string): string {
  return name.slice(0, nameCharsMax)
}

function tenths(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 10) / 10
}
