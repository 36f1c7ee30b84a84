import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { memory } from '#test/bench/cpu.ts'
import { usedHeapMB } from '#test/bench/heap.ts'
import type { Half } from '#test/bench/processes.ts'
import { readPage } from '#test/bench/watch.ts'

/** What one half holds at a moment. */
export interface Vitals {
  /** Open file descriptors: sockets, and a fixed number of others. */
  readonly descriptors: number
  /** What its event loop waits for, by kind: timers, sockets, requests. */
  readonly resources: Readonly<Record<string, number>>
  /** Calls in flight and waiting, and bytes of bodies. */
  readonly held: Readonly<Record<string, number>>
}

/** Memory of one half, in MB of 2^20 bytes, right after a full collection. */
export interface MemoryUsed {
  readonly heapMB: number
  /** What no other process shares. The allocators keep a part of it for the next calls. */
  readonly anonymousMB: number
}

export async function memoryAfterCollection(half: Half, directory: string): Promise<MemoryUsed> {
  const heapMB = await usedHeapMB(half, directory)
  return { heapMB, anonymousMB: memory(half.pid).anonymousMB }
}

const heldNames = /^outrigger_\w*(?:calls_in_flight|calls_waiting|body_bytes_held)$/

async function vitalsOf(half: Half): Promise<Vitals> {
  const text = await readPage(half, '/metrics')
  const resources: Record<string, number> = {}
  const held: Record<string, number> = {}
  for (const [, name = '', labels = '', value] of text.matchAll(/^(\w+)(\{.*\})? (\S+)$/gm)) {
    if (name === 'nodejs_active_resources') {
      resources[/type="(\w+)"/.exec(labels)?.[1] ?? ''] = Number(value)
    } else if (heldNames.test(name)) held[name] = (held[name] ?? 0) + Number(value)
  }
  const descriptors = readdirSync(`/proc/${half.pid}/fd`).length
  return { descriptors, resources, held }
}

/** Timers of the process itself and the socket of the asking come and go by so many. */
const slack = 3

/** What is more than it was; empty where all is back. */
function excess(now: Vitals, was: Vitals | undefined): string[] {
  const more: string[] = []
  for (const [name, count] of Object.entries(now.held)) {
    if (count > 0) more.push(`${count} ${name}`)
  }
  if (was === undefined) return more
  if (now.descriptors > was.descriptors + slack) {
    more.push(`${now.descriptors} descriptors, of ${was.descriptors}`)
  }
  for (const [name, count] of Object.entries(now.resources)) {
    const before = was.resources[name] ?? 0
    if (count > before + slack) more.push(`${count} ${name}, of ${before}`)
  }
  return more
}

/** Idle connections end after seconds, and a caller's leaving travels; a leak stays. */
const roundsMax = 300
const roundMs = 100

/** Waits until `half` holds nothing of a call and no more of anything than it did; fails otherwise. */
export async function whenBack(half: Half, was?: Vitals): Promise<Vitals> {
  let more: string[] = []
  for (let round = 0; round < roundsMax; round++) {
    const now = await vitalsOf(half)
    more = excess(now, was)
    assert.ok(Object.keys(now.held).length > 1, 'the metrics of what is held have other names')
    if (more.length === 0) return now
    await wait(roundMs)
  }
  return assert.fail(`the ${half.name} keeps ${more.join('; ')}`)
}
