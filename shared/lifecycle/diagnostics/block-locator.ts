import type { Clock } from '#shared/call/clock.ts'
import type { Locator } from '../watchdog.ts'
import { CpuProfile } from './cpu-profile.ts'

/** A block is at least some hundred milliseconds: ten samples of it tell where. */
const sampleUs = 10_000
/** A profile grows while it runs; one is kept no longer than this, in milliseconds. */
const keptMs = 60_000
const framesMax = 5

/** Samples this process all the time, so that what blocked it is known afterwards. */
export function locateBlocks(clock: Clock): Locator {
  let profile = new CpuProfile(sampleUs)
  let undo = () => {}
  const turn = () => {
    undo = clock.after(keptMs, () => {
      profile.stop()
      profile = new CpuProfile(sampleUs)
      turn()
    })
  }
  turn()
  return {
    busiest(ms) {
      const found = profile.stop()
      profile = new CpuProfile(sampleUs)
      return found === undefined ? [] : busiestOf(found, ms)
    },
    stop() {
      undo()
      profile.stop()
    },
  }
}

interface Sampled {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
  }[]
  readonly samples?: readonly number[] | undefined
  /** Microseconds before each sample. */
  readonly timeDeltas?: readonly number[] | undefined
}

/** The functions of the last `ms` milliseconds of a profile, the busiest first, five at most. */
export function busiestOf({ nodes, samples = [], timeDeltas = [] }: Sampled, ms: number): string[] {
  const usOf = new Map<number, number>()
  let leftUs = ms * 1e3
  for (let at = samples.length - 1; at >= 0 && leftUs > 0; at--) {
    const id = samples[at] ?? 0
    const us = timeDeltas[at] ?? 0
    usOf.set(id, (usOf.get(id) ?? 0) + us)
    leftUs -= us
  }
  const frames = new Map<string, number>()
  for (const { id, callFrame } of nodes) {
    const us = usOf.get(id)
    if (us === undefined || callFrame.functionName === '(idle)') continue
    const { functionName, url, lineNumber } = callFrame
    const file = url.slice(url.lastIndexOf('/') + 1)
    const name = functionName === '' ? '(anonymous)' : functionName
    const place = file === '' ? name : `${name} ${file}:${lineNumber + 1}`
    frames.set(place, (frames.get(place) ?? 0) + us)
  }
  return [...frames]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, framesMax)
    .map(([place, us]) => `${place} ${Math.round(us / 1e3)} ms`)
}
