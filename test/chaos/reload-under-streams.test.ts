import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { textHash } from '#shared/config/snapshot.ts'
import { questionOf, type Scripted, ScriptedProvider } from '#test/pair/scripted-provider.ts'
import { ask, open } from '../pair/client.ts'
import { Half, type Pair, startPair } from '../pair/harness.ts'
import { byBackup, byRename, inPlace, Volume } from './config-writers.ts'
import { descriptors, inspected, memoryUsed, whenIdle } from './heap.ts'
import { configuration, type Places, planReloads, type Reload } from './reload-plan.ts'

const streams = 200
const reloads = 50
const eventsEach = 400
const stepMs = 50
/** The poll finds what events missed after 10 s; the rest is for a busy machine. */
const seenMsMax = 20_000
const goalMs = 1_000
/** The plan's number of the configuration that all streams begin with: deadlines are long in it. */
const start = 1_200

const dialectOf = (at: number): Scripted => (at % 2 === 0 ? 'chat' : 'messages')

/** What the test runs: two replicas, the pair, and a second ambassador that comes and goes. */
interface Fleet {
  readonly providers: readonly [ScriptedProvider, ScriptedProvider]
  readonly pair: Pair
  readonly second: Half
  readonly halves: readonly Half[]
  readonly places: Places
}

async function startFleet(): Promise<Fleet> {
  const providers = [
    await new ScriptedProvider().listen(),
    await new ScriptedProvider().listen(),
  ] as const
  const pair = await startPair({ provider: providers[0].port, environment: inspected })
  const second = new Half('ambassador', pair.ambassador.file, inspected)
  await second.whenReady()
  const places: Places = {
    replicas: [`http://127.0.0.1:${providers[0].port}`, `http://127.0.0.1:${providers[1].port}`],
    ambassadors: [`127.0.0.1:${pair.ambassador.port}`, `127.0.0.1:${second.port}`],
  }
  return { providers, pair, second, halves: [pair.sidecar, pair.ambassador, second], places }
}

/** The files of all halves, all with `text`. */
function filesWith({ pair }: Fleet, text: string): Map<string, string> {
  return new Map([pair.sidecar.file, pair.ambassador.file].map((file) => [file, text]))
}

/** Opens all streams, does `meanwhile` while they flow, and gives the bytes of each. */
async function streamThrough(fleet: Fleet, meanwhile: () => Promise<void>): Promise<string[]> {
  const { providers, pair } = fleet
  for (const provider of providers) provider.hold()
  const responses = await Promise.all(
    Array.from({ length: streams }, (_, at) =>
      open(
        pair.port,
        questionOf(dialectOf(at), { name: `s${at}`, count: eventsEach, stream: true }),
      ),
    ),
  )
  let ended = 0
  const bodies = responses.map(async (response) => {
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    ended++
    return `${response.statusCode} ${Buffer.concat(chunks).toString()}`
  })
  const all = Promise.allSettled(bodies)
  const ticking = setInterval(() => providers.forEach((provider) => provider.step()), stepMs)
  try {
    await meanwhile()
    assert.equal(ended, 0, 'every stream lives through all of it')
  } finally {
    clearInterval(ticking)
    for (const provider of providers) provider.finish()
    await all
  }
  return Promise.all(bodies)
}

/** Asks for the model that only reload `at` has until it is answered; gives the time that took. */
async function seenAfterMs({ pair }: Fleet, at: number): Promise<number> {
  const since = performance.now()
  const asked = questionOf('chat', { name: 'n', count: 3, model: `reload-${at}`, stream: false })
  for (;;) {
    const seen = await ask(pair.port, asked)
    const tookMs = performance.now() - since
    if (seen.status === 200) return tookMs
    assert.ok(seen.status === 404 || seen.status === 403, `${seen.status} ${seen.body}`)
    assert.ok(tookMs < seenMsMax, `reload ${at} is not seen after ${tookMs} ms: ${seen.body}`)
    await pause(5)
  }
}

interface Configz {
  readonly generation: number
  readonly hash: string | null
  readonly rejected: { readonly problems: readonly { readonly path: string }[] } | null
}

async function configz(half: Half): Promise<Configz> {
  return JSON.parse((await half.page('/configz')).text)
}

/** Waits until `half` shows `badPath` in configz, with its generation still `generation`. */
async function showsRefusal(half: Half, badPath: string, generation: number): Promise<void> {
  const since = performance.now()
  for (;;) {
    const page = await configz(half)
    assert.equal(page.generation, generation, 'an invalid file is never taken')
    const isShown = page.rejected?.problems.some(({ path }) => path === badPath) === true
    if (isShown) return
    assert.ok(performance.now() - since < seenMsMax, `configz: ${JSON.stringify(page.rejected)}`)
    await pause(20)
  }
}

/** Waits until every half runs `text`, also one that no call came through. */
async function isTakenByAll({ halves }: Fleet, text: string): Promise<void> {
  const since = performance.now()
  for (const half of halves) {
    while ((await configz(half)).hash !== textHash(text)) {
      assert.ok(performance.now() - since < seenMsMax, 'a half keeps an earlier configuration')
      await pause(20)
    }
  }
}

/** Writes every reload of the plan and checks what comes of it; gives the times of the valid ones. */
async function reloadAll(fleet: Fleet, plan: readonly Reload[]): Promise<number[]> {
  const volume = new Volume()
  const editors = [inPlace, byRename, byBackup]
  const times: number[] = []
  let good = -1
  for (const [at, { text, badPath }] of plan.entries()) {
    const before = await Promise.all(fleet.halves.map(configz))
    const write = at < plan.length / 2 ? editors[at % editors.length] : volume.write
    await write?.(filesWith(fleet, text))
    if (badPath === undefined) {
      times.push(await seenAfterMs(fleet, at))
      if ((times.at(-1) ?? 0) > goalMs) process.stdout.write(`reload ${at}: ${times.at(-1)} ms\n`)
      await isTakenByAll(fleet, text)
      good = at
      continue
    }
    await Promise.all(
      fleet.halves.map((half, index) =>
        showsRefusal(half, badPath, before[index]?.generation ?? 0),
      ),
    )
    await seenAfterMs(fleet, good)
  }
  return times
}

/** Heaps of all halves, once nothing is in flight and pooled connections are gone. */
async function heaps(fleet: Fleet, idle: readonly number[]): Promise<number[]> {
  const sizes: number[] = []
  for (const [at, half] of fleet.halves.entries()) {
    await whenIdle(half, (idle[at] ?? 0) + 12)
    sizes.push(await memoryUsed(half))
  }
  return sizes
}

function report(times: readonly number[], sizes: readonly (readonly number[])[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const late = times.filter((ms) => ms > goalMs).length
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
  process.stdout.write(
    `seen after: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, longest ${Math.round(sorted.at(-1) ?? 0)} ms;` +
      ` ${late} of ${times.length} above ${goalMs} ms\n`,
  )
  for (const [half, [before = 0, after = 0]] of sizes.entries()) {
    const kib = (bytes: number) => Math.round(bytes / 1024)
    process.stdout.write(
      `half ${half}: heap ${kib(before)} KiB before, ${kib(after)} KiB after` +
        ` (${((after / before - 1) * 100).toFixed(1)} %)\n`,
    )
  }
}

test(`${streams} streams are the same bytes through ${reloads} reloads`, async () => {
  const fleet = await startFleet()
  try {
    const idle = fleet.halves.map(descriptors)
    const first = JSON.stringify(configuration(start, fleet.places))
    await inPlace(filesWith(fleet, first))
    await isTakenByAll(fleet, first)
    const quietly = () => streamThrough(fleet, async () => {})
    const expected = await quietly()
    // Once more: code is compiled as late as in its second round.
    await quietly()
    const before = await heaps(fleet, idle)

    let times: number[] = []
    const plan = planReloads(reloads, fleet.places)
    const seen = await streamThrough(fleet, async () => {
      times = await reloadAll(fleet, plan)
    })
    // What is kept of a reload is kept; what its last streams have left goes with the next ones.
    await quietly()
    const after = await heaps(fleet, idle)
    report(
      times,
      before.map((size, at) => [size, after[at] ?? 0]),
    )
    seen.forEach((body, at) => assert.equal(body, expected[at], `stream ${at}`))
    const pages = await Promise.all(fleet.halves.map(configz))
    const valid = plan.filter(({ badPath }) => badPath === undefined).length
    for (const { generation } of pages) assert.equal(generation, valid + 2)
    before.forEach((size, at) =>
      assert.ok((after[at] ?? 0) <= size * 1.1, `half ${at}: ${size} bytes, then ${after[at]}`),
    )
  } finally {
    await Promise.all([fleet.second.kill(), fleet.pair.close()])
    await Promise.all(fleet.providers.map((provider) => provider.close()))
  }
})
