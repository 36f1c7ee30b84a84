import type { PageData, ReplicaState } from '../page-data.ts'
import { find, make, say } from './elements.ts'
import { highlights, sparklineIn } from './sparkline.ts'
import { count, duration, many, percent } from './words.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.

/** Draws the figures of the whole pool and its last five minutes. */
export function summary(): (data: PageData) => void {
  const tile = (id: string) => {
    const parent = find(id)
    const value = make('span', 'value')
    const note = make('span', 'soft')
    parent.append(value, note)
    return {
      parent,
      tell(text: string, more: string) {
        say(value, text)
        say(note, more)
      },
    }
  }
  const serving = tile('serving')
  const inFlight = tile('in-flight')
  const waits = tile('waits')
  const found = tile('found')
  const ttft = tile('ttft')
  const held = tile('held')
  const ttftLine = sparklineIn(ttft.parent)
  const heldLine = sparklineIn(held.parent)
  return (data) => {
    const { replicas, waiting, pool, timeline } = data
    const up = replicas.filter(({ state }) => state === 'serving').length
    const total = (key: 'inFlight' | 'queuedTokens') =>
      replicas.reduce((sum, replica) => sum + replica[key], 0)
    serving.tell(`${up} of ${replicas.length}`, awayWords(data))
    inFlight.tell(count(total('inFlight')), `${count(total('queuedTokens'))} tokens to prefill`)
    waits.tell(count(waiting.calls), waitWords(data))
    found.tell(percent(pool.foundShare), trustWords(data))
    const marks = { good: timeline.resumed, bad: timeline.failed }
    const first = { mean: timeline.ttftMs, most: timeline.ttftMsMax, ...marks }
    const before = { mean: timeline.heldMs, most: timeline.heldMsMax, ...marks }
    ttftLine(first)
    heldLine(before)
    const tops = [highlights(first), highlights(before)]
    ttft.tell(duration(tops[0]?.last), endWords(data, tops[0]?.max))
    held.tell(duration(tops[1]?.last), `at most ${duration(tops[1]?.max)}`)
  }
}

/** `1 asleep, 2 do not answer`. */
export function awayWords({ replicas }: PageData): string {
  const words: Readonly<Record<Exclude<ReplicaState, 'serving'>, string>> = {
    silent: 'not answering',
    unheard: 'not heard',
    ejected: 'out for failed calls',
    asleep: 'asleep',
    leaving: 'leaving',
    spared: 'left out',
  }
  const away = Object.entries(words).flatMap(([state, word]) => {
    const there = replicas.filter((replica) => replica.state === state).length
    return there === 0 ? [] : `${there} ${word}`
  })
  return away.length === 0 ? 'no replica is out' : away.join(', ')
}

export function waitWords({ waiting }: PageData): string {
  if (waiting.calls === 0) return 'nobody waits'
  return `${count(waiting.tokens)} tokens, ${count(waiting.bytes)}B`
}

/** Whether what is thought to be cached can be relied on. */
export function trustWords({ pool }: PageData): string {
  if (pool.isHashed) return 'too little: a hash chooses for a minute'
  return pool.foundShare === undefined
    ? 'too little known yet'
    : 'of expected prefix hits were there'
}

/** `at most 1.2 s; 1 call went on elsewhere; 2 failed: 2 overloaded`. */
export function endWords({ timeline }: PageData, max: number | null | undefined): string {
  const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0)
  const resumed = sum(timeline.resumed)
  const failed = sum(timeline.failed)
  const moved = resumed === 0 ? '' : `; ${many(resumed, 'call')} went on elsewhere`
  const codes = timeline.failedBy.slice(0, 3).map(({ code, calls }) => `${count(calls)} ${code}`)
  const lost = failed === 0 ? '' : `; ${count(failed)} failed: ${codes.join(', ')}`
  return `at most ${duration(max)}${moved}${lost}`
}
