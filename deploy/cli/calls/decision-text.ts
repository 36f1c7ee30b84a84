import { termNames, termWords } from '#ambassador/pool/decisions/term-words.ts'
import { counted, printable, table } from '../terminal/table.ts'
import type { ExplainedCandidate, ExplainedDecision } from './explained-call.ts'

const holds: Readonly<Record<ExplainedDecision['heldFor'], string>> = {
  none: '',
  room: ': its best replica had no room',
  kept: ': its best replica was kept for a larger call that had waited longer',
  turn: ': it was the turn of others',
}

/** One decision for a person: sentences, and a table of what each replica would have cost. */
export function decisionText(decision: ExplainedDecision): string {
  const { id, tenant, class: name, model, promptTokens, costs, candidates } = decision
  const untold = candidates - costs.length
  return [
    `Call ${id}: ${whole(promptTokens)} prompt tokens for '${model}', tenant '${tenant}', ${name}.\n`,
    `${held(decision)}\n${chosen(decision)}\n\n`,
    candidateTable(decision),
    untold > 0 ? `and ${counted(untold, 'dearer replica')}\n` : '',
    `\n${ending(decision)}\n`,
  ]
    .map(lineByLine)
    .join('')
}

/** Names come from callers and replicas: nothing of theirs moves the cursor. */
function lineByLine(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

function held({ at, heldMs, heldFor }: ExplainedDecision): string {
  const came = `It came at ${new Date(at).toISOString()}`
  if (heldFor === 'none') return `${came} and was placed at once (${tenths(heldMs)} ms).`
  return `${came} and was held for ${tenths(heldMs)} ms${holds[heldFor]}.`
}

function chosen({ policy, replica, total, runnerUp, tier }: ExplainedDecision): string {
  const way = tier === 'full' ? '' : `, by ${tiers[tier] ?? tier}`
  if (total === undefined) return `'${policy}' chose ${replica}${way}: it counts no costs.`
  const next =
    runnerUp === undefined
      ? '; there was no other'
      : `; ${runnerUp.replica} would have cost ${tenths(runnerUp.total)} ms`
  const dearer =
    runnerUp !== undefined && runnerUp.total < total ? ', but waiting for its room costs more' : ''
  return `'${policy}' chose ${replica} for ${tenths(total)} ms${way}${next}${dearer}.`
}

const tiers: Readonly<Record<string, string>> = {
  bytes: 'the bytes of its prompt for want of tokens',
  blind: 'what was sent there alone: the replica tells nothing of itself',
  hash: 'a hash of its prompt’s beginning',
}

function candidateTable({ costs, replica, total }: ExplainedDecision): string {
  const isCosted = total !== undefined
  // What costs nothing anywhere tells nothing.
  const names = isCosted
    ? termNames.filter((name) => costs.some(({ terms }) => (terms?.[name] ?? 0) !== 0))
    : []
  const headings = [
    '',
    'REPLICA',
    ...(isCosted ? ['MS IN ALL'] : []),
    ...names.map((name) => termWords[name].toUpperCase()),
    'CACHED',
    'ROOM',
    'CALLS',
  ]
  const rows = costs.map((one) => [
    one.replica === replica ? '>' : '',
    one.replica,
    ...(isCosted ? [tenths(one.total ?? 0)] : []),
    ...names.map((name) => tenths(one.terms?.[name] ?? 0)),
    whole(one.cachedTokens),
    isCosted ? room(one) : 'not asked for',
    String(one.inFlight),
  ])
  return table(headings, rows)
}

function room(one: ExplainedCandidate): string {
  const { heldBlocks, neededBlocks, capacityBlocks = 0, queuedTokens, inFlight, callsMax } = one
  switch (one.why) {
    case 'none':
      return 'yes'
    case 'kept':
      return 'kept for another call'
    case 'queue':
      return `no: ${whole(queuedTokens)} tokens wait there`
    case 'sequences':
      return `no: ${inFlight} calls of at most ${whole(callsMax ?? inFlight)}`
    case 'adapters':
      return 'no: all adapters that fit there have calls'
    case 'kv':
      return `no: KV ${whole(heldBlocks)} + ${whole(neededBlocks)} > ${whole(capacityBlocks)} blocks`
  }
}

function ending({ end, cachedTokens, promptTokens }: ExplainedDecision): string {
  if (end === undefined) return 'It has not ended yet.'
  if (end.outcome === 'elsewhere') return 'It failed there.'
  const { ttftMs, outputTokens } = end
  const facts = [
    ...(ttftMs === undefined ? [] : [`first content after ${tenths(ttftMs)} ms`]),
    ...(outputTokens === undefined ? [] : [counted(outputTokens, 'output token')]),
    end.cachedTokens === undefined
      ? `the replica does not say what it had cached (${whole(cachedTokens)} expected)`
      : `${whole(end.cachedTokens)} of ${whole(end.promptTokens ?? promptTokens)} prompt tokens ` +
        `were cached (${whole(cachedTokens)} expected)`,
  ]
  return `It ended '${end.outcome}': ${facts.join(', ')}.`
}

function tenths(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
