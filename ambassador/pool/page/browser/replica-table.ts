import type { PageData, PageReplica, ReplicaState } from '../page-data.ts'
import { barIn, find, make, type Row, rowsIn, say, wear } from './elements.ts'
import { age, count, percent, place } from './words.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.

/** What the longest bars of the table stand for. */
interface Scales {
  readonly calls: number
  readonly tokens: number
  readonly blockTokens: number
}

/** Why a replica takes no calls, or that it does. */
export function stateWords({ state, ejectedMs }: Pick<PageReplica, 'state' | 'ejectedMs'>): string {
  const words: Readonly<Record<ReplicaState, string>> = {
    serving: 'serving',
    unheard: 'not heard',
    asleep: 'asleep',
    leaving: 'leaving',
    ejected: `failed calls, out for ${age(ejectedMs + 999)}`,
    silent: 'does not answer',
    spared: 'left out',
  }
  return words[state]
}

/** Draws one row for each replica; gives the sentence for those whose state has changed. */
export function replicaTable(): (data: PageData) => string {
  const known = new Map<string, ReplicaState>()
  let scales: Scales = { calls: 1, tokens: 1, blockTokens: 16 }
  const draw = rowsIn<PageReplica>(find('replicas'), {
    keyOf: ({ origin }) => origin,
    makeRow: () => replicaRow(() => scales),
  })
  return ({ replicas, pool }) => {
    scales = {
      calls: Math.max(4, ...replicas.map(({ inFlight, running }) => Math.max(inFlight, running))),
      tokens: Math.max(2_048, ...replicas.map(({ queuedTokens }) => queuedTokens)),
      blockTokens: pool.blockTokens,
    }
    draw(replicas)
    return changesIn(replicas, known)
  }
}

/** What a screen reader is to say aloud: nothing while all is as it was. */
export function changesIn(
  replicas: readonly PageReplica[],
  known: Map<string, ReplicaState>,
): string {
  const isFirst = known.size === 0
  const said: string[] = []
  for (const replica of replicas) {
    const { origin, state } = replica
    if (!isFirst && known.get(origin) !== state) {
      said.push(`${place(origin)}: ${known.has(origin) ? stateWords(replica) : 'joined'}`)
    }
    known.set(origin, state)
  }
  const there = new Set(replicas.map(({ origin }) => origin))
  for (const origin of known.keys()) {
    if (there.has(origin)) continue
    known.delete(origin)
    said.push(`${place(origin)}: gone from the pool`)
  }
  return said.join('. ')
}

export function replicaRow(scalesOf: () => Scales): Row<PageReplica> {
  const node = make('tr')
  const name = make('th')
  name.setAttribute('scope', 'row')
  const host = make('span', 'mono')
  const zone = make('span', 'soft')
  name.append(host, zone)
  const state = make('span', 'state')
  const cell = (className: string) => {
    const made = make('td', className)
    node.append(made)
    return made
  }
  node.append(name)
  cell('').append(state)
  const calls = barIn(cell('wide'))
  const queued = barIn(cell('wide'))
  const kv = barIn(cell('wide'))
  const hits = barIn(cell('wide'))
  const trust = cell('number')
  const heard = cell('number')
  return {
    node,
    fill(replica) {
      const { origin, ageMs, error } = replica
      const scales = scalesOf()
      say(host, place(origin))
      say(zone, replica.zone ?? '')
      wear(node, replica.state === 'serving' ? '' : 'away')
      wear(state, `state ${replica.state}`)
      say(state, stateWords(replica))
      calls(callWords(replica), replica.inFlight / (replica.callsMax ?? scales.calls), 'calls')
      queued(count(replica.queuedTokens), replica.queuedTokens / scales.tokens, 'queue')
      kv(kvWords(replica, scales), replica.kvUsage, replica.kvUsage > 0.9 ? 'kv full' : 'kv')
      hits(percent(replica.hitRate), replica.hitRate ?? 0, 'hits')
      say(trust, percent(replica.trust))
      wear(trust, `number ${(replica.trust ?? 1) < 0.5 ? 'old' : ''}`)
      say(heard, age(ageMs))
      wear(heard, `number ${(ageMs ?? 30_000) >= 5_000 || error !== undefined ? 'old' : ''}`)
      heard.title = error ?? ''
    },
  }
}

/** `3 of 40, 2 wait there`. */
export function callWords({ inFlight, callsMax, waiting }: PageReplica): string {
  const most = callsMax === undefined ? '' : ` of ${callsMax}`
  return `${inFlight}${most}${waiting > 0 ? `, ${waiting} wait there` : ''}`
}

/** `43 % of 33k`, in tokens. */
export function kvWords({ kvUsage, capacityBlocks }: PageReplica, scales: Scales): string {
  if (capacityBlocks === undefined) return `${percent(kvUsage)} of ?`
  return `${percent(kvUsage)} of ${count(capacityBlocks * scales.blockTokens)}`
}
