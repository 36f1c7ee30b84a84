import type { PrefixSamples } from '#ambassador/pool/decisions/prefix-samples.ts'

/** Some blocks that follow each other: all prompts that have the last of them have all of them. */
interface Segment {
  readonly before: Segment | undefined
  readonly id: number
  /** Blocks before the first of them. */
  readonly from: number
  /** Blocks up to the last of them. */
  readonly to: number
}

/** Hashes of one age; two ages are remembered, and whatever a simulated cache holds is among them. */
const hashesMax = 500_000
/** Above the blocks of the longest prompt. */
const keysPerSegment = 2 ** 18

/**
 * Gives the blocks of prompts keys again, of which only some hashes were kept: two prompts share keys up
 * to the last block of which both have told the same hash. Prompts are to come in their order.
 */
export class PrefixPaths {
  /** By the hash of the last block. What nobody asks for while the first fills up is forgotten. */
  #segments = new Map<number, Segment>()
  #before = new Map<number, Segment>()
  #segmentsMade = 0

  /** A key for each of `blocks` blocks. Blocks behind the last hash are shared with nobody. */
  keysOf(samples: PrefixSamples, blocks: number): Float64Array {
    const told = toldHashes(samples).filter(([at]) => at <= blocks)
    const known = this.#deepest(told)
    const path = pathTo(known)
    let last = known
    for (const [at, hash] of told) {
      if (at > (last?.to ?? 0)) last = this.#add(last, at)
      const segment = at === last?.to ? last : upTo(at, path)
      if (segment !== undefined) this.#remember(hash, segment)
    }
    return filled(blocks, pathTo(blocks > (last?.to ?? 0) ? this.#add(last, blocks) : last))
  }

  #deepest(told: readonly (readonly [number, number])[]): Segment | undefined {
    for (const [at, hash] of told.toReversed()) {
      const segment = this.#segments.get(hash) ?? this.#before.get(hash)
      // Hashes of 48 bits may be the same by chance, hardly at the same place.
      if (segment?.to === at) return segment
    }
    return undefined
  }

  #add(before: Segment | undefined, to: number): Segment {
    this.#segmentsMade += 1
    return { before, id: this.#segmentsMade, from: before?.to ?? 0, to }
  }

  #remember(hash: number, segment: Segment): void {
    if (this.#segments.get(hash)?.to === segment.to) return
    const known = this.#before.get(hash)
    this.#segments.set(hash, known?.to === segment.to ? known : segment)
    if (this.#segments.size < hashesMax) return
    this.#before = this.#segments
    this.#segments = new Map()
  }
}

/** In the order of their blocks. */
function toldHashes({ step, hashes, marks }: PrefixSamples): (readonly [number, number])[] {
  const all = hashes.map((hash, at): readonly [number, number] => [(at + 1) * step, hash])
  return [...all, ...marks].toSorted(([one], [other]) => one - other)
}

/** From the first block on. */
function pathTo(segment: Segment | undefined): readonly Segment[] {
  const path: Segment[] = []
  for (let at = segment; at !== undefined; at = at.before) path.push(at)
  return path.toReversed()
}

/** The part of a path that ends with block `at`: what others tell in other steps. */
function upTo(at: number, path: readonly Segment[]): Segment | undefined {
  const segment = path.find(({ to }) => to >= at)
  return segment === undefined || segment.to === at ? segment : { ...segment, to: at }
}

function filled(blocks: number, path: readonly Segment[]): Float64Array {
  const keys = new Float64Array(blocks)
  for (const { id, from, to } of path) {
    for (let at = from; at < to && at < blocks; at++) keys[at] = id * keysPerSegment + (at - from)
  }
  return keys
}
