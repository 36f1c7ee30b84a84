import { parseArgs } from 'node:util'
import type { Hold } from '#ambassador/pool/prefix/hold.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { randomFrom, type ShapedCall, shapes, slots } from './index-shapes.ts'

/**
 * What the prefix index takes: memory at `--blocks` blocks over 64 replicas and the time of its
 * verbs when full, for one shape of traffic. Run with `--expose-gc`, one shape a process:
 * `node --expose-gc test/bench/routing/index-memory.ts --shape conversations`
 */
const { values } = parseArgs({
  options: {
    shape: { type: 'string', default: 'conversations' },
    blocks: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '300' },
  },
})

/** Calls in flight, over all replicas. */
const inFlight = 1_024
const measured = 20_000

const blocksMax = Number(values.blocks)
const shape = shapes[values.shape]
if (shape === undefined) throw new Error(`Cannot run shape '${values.shape}': it is not one`)
const next = shape(randomFrom(7))
const index = new PrefixIndex({ blocksMax })
const into = new Int32Array(slots)
const times: Record<string, number[]> = { match: [], hold: [], extend: [], release: [] }
const running: { hold: Hold; call: ShapedCall }[] = []
let isMeasured = false

function timed<T>(verb: string, action: () => T): T {
  if (!isMeasured) return action()
  const start = performance.now()
  const result = action()
  times[verb]?.push((performance.now() - start) * 1_000)
  return result
}

function end({ hold, call }: { hold: Hold; call: ShapedCall }): void {
  if (call.output.length > 0) {
    call.builder.push(call.output)
    timed('extend', () => index.extend(hold, call.builder.chain()))
  }
  timed('release', () => index.release(hold))
}

function step(): void {
  const call = next()
  const chain = call.builder.chain()
  timed('match', () => index.match(chain, into))
  running.push({ hold: timed('hold', () => index.hold(chain, call.slot)), call })
  const first = running.length > inFlight ? running.shift() : undefined
  if (first !== undefined) end(first)
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`
}

globalThis.gc?.()
const before = process.memoryUsage().rss
for (let slot = 0; slot < slots; slot += 1) index.open(slot, Math.ceil(blocksMax / slots))
const started = performance.now()
let calls = 0
while (
  index.blocks < blocksMax * 0.99 &&
  performance.now() - started < Number(values.seconds) * 1_000
) {
  step()
  calls += 1
}
// Half as many again, so that what leaves makes room in every table.
for (let more = calls / 2; more > 0; more -= 1) step()
const filledMs = performance.now() - started
isMeasured = true
for (let done = 0; done < measured; done += 1) step()
globalThis.gc?.()
const { rss } = process.memoryUsage()
const { runs, copies, hashes, bytes } = index.size
console.log(`shape ${values.shape}: ${calls} calls until full, ${(filledMs / 1_000).toFixed(1)} s`)
console.log(`blocks ${index.blocks} (${hashes} different), ${runs} runs, ${copies} copies`)
console.log(
  `tables ${megabytes(bytes)}, RSS ${megabytes(rss)} (${megabytes(before)} before), ` +
    `${(bytes / index.blocks).toFixed(1)} bytes a block held, ${(bytes / hashes).toFixed(1)} a different one`,
)
for (const [verb, all] of Object.entries(times)) {
  const sorted = all.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1)
  console.log(`${verb.padEnd(8)} p50 ${at(0.5)} µs  p99 ${at(0.99)} µs  max ${at(1)} µs`)
}
const closing = performance.now()
for (const one of running) index.release(one.hold)
index.close(0)
console.log(`close of one replica ${(performance.now() - closing).toFixed(1)} ms`)
