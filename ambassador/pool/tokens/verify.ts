import type { ContentFormat } from './chat-template.ts'
import type { LocalTokens, Manner } from './local-tokens.ts'
import { type Probe, probes } from './probes.ts'
import type { ChatFacts, TextFacts } from './prompt-facts.ts'
import { groupsOf, type PromptGroup, promptGroups } from './prompt-group.ts'
import { equal } from './remote-tokens.ts'

/** What one replica says; undefined where it refuses the prompt. Rejects where it does not answer. */
export type AskReplica = (facts: ChatFacts | TextFacts) => Promise<Uint32Array | undefined>

/** How the local tokens compared with a replica's. */
export interface Verdict {
  /** How the replica does it. */
  readonly manner: Manner
  /** Of what local tokens are those of the replica. */
  readonly confirmed: ReadonlySet<PromptGroup>
  /** The first difference of each other group, for people. */
  readonly differences: readonly string[]
}

const formats: readonly ContentFormat[] = ['string', 'openai']

/**
 * Compares both on all probes. What a server does of two ways is found out: how a template is handed a
 * content, and what comes before a plain prompt. Rejects where the replica does not answer.
 */
export async function verify(local: LocalTokens, ask: AskReplica): Promise<Verdict> {
  const answers = new Map<Probe, Uint32Array | undefined>()
  for (const probe of probes) answers.set(probe, await ask(probe.facts))
  const before = await beforePrompts(local, answers)
  let best: Verdict | undefined
  for (const format of formats) {
    const verdict = await compare({ local, manner: { format, before }, answers })
    if (best === undefined || verdict.confirmed.size > best.confirmed.size) best = verdict
  }
  return best ?? { manner: asIs, confirmed: new Set(), differences: [] }
}

async function compare(comparison: Comparison): Promise<Verdict> {
  const confirmed = new Set<PromptGroup>()
  const differences: string[] = []
  for (const group of promptGroups) {
    const compared = probes.filter(({ facts }) => groupsOf(facts).at(-1) === group)
    const difference = await firstDifference(comparison, compared)
    if (difference === undefined) confirmed.add(group)
    else differences.push(difference)
  }
  return { manner: comparison.manner, confirmed, differences }
}

const none = new Uint32Array(0)
const asIs: Manner = { format: 'string', before: none }

/** What the replica puts before the first plain prompt; whether before all, the comparison shows. */
async function beforePrompts(
  local: LocalTokens,
  answers: ReadonlyMap<Probe, Uint32Array | undefined>,
): Promise<Uint32Array> {
  const [probe] = probes
  const theirs = probe === undefined ? undefined : answers.get(probe)
  if (probe === undefined || theirs === undefined) return none
  const ours = await local.idsOf(probe.facts, asIs)
  return theirs.slice(0, Math.max(0, theirs.length - ours.length))
}

interface Comparison {
  readonly local: LocalTokens
  readonly manner: Manner
  readonly answers: ReadonlyMap<Probe, Uint32Array | undefined>
}

async function firstDifference(
  { local, manner, answers }: Comparison,
  compared: readonly Probe[],
): Promise<string | undefined> {
  // Where all are refused, nothing was compared.
  const isAnswered = compared.some((probe) => answers.get(probe) !== undefined)
  if (!isAnswered) return `"${compared[0]?.name}": the replica refuses all like it`
  for (const probe of compared) {
    const ours = await idsOrRefusal(local, probe, manner)
    const theirs = answers.get(probe)
    if (ours === undefined && theirs === undefined) continue
    const difference = differenceOf(ours, theirs)
    if (difference !== undefined) return `"${probe.name}": ${difference}`
  }
  return undefined
}

/** A template that throws refuses, here as there. */
async function idsOrRefusal(
  local: LocalTokens,
  { facts }: Probe,
  manner: Manner,
): Promise<Uint32Array | undefined> {
  try {
    return await local.idsOf(facts, manner)
  } catch {
    return undefined
  }
}

function differenceOf(
  ours: Uint32Array | undefined,
  theirs: Uint32Array | undefined,
): string | undefined {
  if (ours === undefined) return 'the replica has tokens, the template here refuses it'
  if (theirs === undefined) return 'the replica refuses it, the template here does not'
  if (equal(ours, theirs)) return undefined
  const at = ours.findIndex((id, index) => id !== theirs[index])
  const place = at < 0 ? ours.length : at
  const [here, there] = [ours[place] ?? 'the end', theirs[place] ?? 'the end']
  return `token ${place} is ${here} here and ${there} there, of ${ours.length} and ${theirs.length}`
}
