import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cells } from '#ambassador/pool/prefix/cells.ts'
import { RunStore } from '#ambassador/pool/prefix/run-store.ts'
import { RunTable } from '#ambassador/pool/prefix/run-table.ts'

test('a table finds what is in it and nothing else', () => {
  // Few places and few tables, so that probes run into each other.
  const hash = fc.record({ low: fc.nat(20), high: fc.constantFrom(0, 1, -1) })
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 150 }), (hashes) => {
      const keys = [{ low: 0, high: 0 }]
      const table = new RunTable({
        lowOf: (node) => keys[node]?.low ?? 0,
        highOf: (node) => keys[node]?.high ?? 0,
      })
      const model = new Map<string, number>()
      for (const key of hashes) {
        const name = `${key.low}:${key.high}`
        const node = model.get(name)
        if (node === undefined) {
          model.set(name, keys.push(key) - 1)
          table.add(keys.length - 1)
        } else {
          model.delete(name)
          table.remove(node)
        }
        for (const { low, high } of hashes) {
          assert.equal(table.find(low, high), model.get(`${low}:${high}`) ?? 0)
        }
      }
    }),
  )
})

test('cells given back are used again, with every field 0', () => {
  const cells = new Cells()
  const first = Array.from({ length: 10_000 }, () => cells.take())
  for (const cell of first) for (let field = 0; field < 8; field += 1) cells.set(cell, field, cell)
  assert.equal(cells.get(5_000, 7), 5_000)
  for (const cell of first) cells.give(cell)
  const { bytes } = cells
  const second = Array.from({ length: 10_000 }, () => cells.take())
  assert.equal(new Set(second).size, 10_000)
  assert(second.every((cell) => [0, 1, 7].every((field) => cells.get(cell, field) === 0)))
  assert.deepEqual([cells.bytes, cells.size], [bytes, 10_000])
})

/** Runs of a store whose blocks hash to node and place. */
class Runs {
  readonly at = new Map<number, { position: number; length: number }>()
  readonly store = new RunStore({
    lengthAt: (node, position) => {
      const run = this.at.get(node)
      return run?.position === position ? run.length : 0
    },
    moved: (node, position) => {
      const run = this.at.get(node)
      if (run !== undefined) run.position = position
    },
  })
  #nodes = 0

  add(wanted: number): void {
    const node = (this.#nodes += 1)
    const length = this.store.fit(wanted)
    assert(length >= Math.min(wanted, 64) && length <= wanted)
    const low = new Uint32Array(length + 2).fill(node)
    const high = Uint32Array.from(low, (_, at) => at - 2)
    const position = this.store.add({ length: length + 2, low, high }, 2, length)
    this.store.own(position, node)
    this.at.set(node, { position, length })
  }

  /** Drops the end of a run, or all of it. */
  drop(which: number, blocks: number): void {
    const [node, run] = [...this.at][which % this.at.size] ?? [0, { position: 0, length: 0 }]
    const dropped = Math.min(blocks, run.length)
    this.store.give(run.position + run.length - dropped, dropped)
    run.length -= dropped
    if (run.length === 0) this.at.delete(node)
  }

  check(): void {
    let blocks = 0
    for (const [node, { position, length }] of this.at) {
      blocks += length
      for (const at of [0, length >>> 1, length - 1]) {
        assert.deepEqual(
          [this.store.low(position + at), this.store.high(position + at)],
          [node, at],
        )
      }
    }
    assert.equal(this.store.size, blocks)
  }
}

test('runs keep their hashes while others come and go around them', () => {
  const step = fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 9_000 }), fc.nat(1_000))
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
      const runs = new Runs()
      let most = 0
      for (const [kind, blocks, which] of steps) {
        if (kind < 5 || runs.at.size === 0) runs.add(blocks)
        else runs.drop(which, kind < 8 ? 9_000 : blocks)
        most = Math.max(most, runs.store.size)
      }
      runs.check()
    }),
    { numRuns: 60 },
  )
})

test('memory stays within four thirds of what lived at most', () => {
  const runs = new Runs()
  const blocksMax = 100_000
  for (let step = 0; step < 4_000; step += 1) {
    runs.add(1 + ((step * 7_919) % 300))
    // What stays is scattered over all segments: most runs go again soon, some late.
    if (runs.store.size > blocksMax) runs.drop(step % 3 === 0 ? 0 : step * 31, 300)
  }
  runs.check()
  const segment = 8_192 * 12
  assert(runs.store.bytes <= (blocksMax + 300) * 12 * (4 / 3) + 6 * segment)
})
