import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChainBuilder } from '#ambassador/pool/prefix/hash.ts'
import type { Hold } from '#ambassador/pool/prefix/hold.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { NaiveCaches, type NaiveHold } from './naive-caches.ts'

const slots = 3
const blocksMax = 60

type Step =
  | { verb: 'hold'; tokens: number[]; slot: number }
  | { verb: 'extend'; which: number; tokens: number[] }
  | { verb: 'release' | 'takeBack'; which: number }
  | { verb: 'audit'; which: number; blocks: number }
  | { verb: 'resize' | 'reserve'; slot: number; blocks: number }
  | { verb: 'reopen'; slot: number; blocks: number }
  | { verb: 'match'; tokens: number[] }

const slot = fc.nat(slots - 1)
const which = fc.nat(7)
/** Few letters in runs, so that prompts share long prefixes and leave each other anywhere. */
const tokens = fc
  .array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 6 })), { maxLength: 6 })
  .map((runs) => runs.flatMap(([token, times]) => Array.from({ length: times }, () => token)))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ verb: fc.constant('hold' as const), tokens, slot }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('extend' as const), which, tokens }) },
  { weight: 7, arbitrary: fc.record({ verb: fc.constant('release' as const), which }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('takeBack' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ verb: fc.constant('audit' as const), which, blocks: fc.nat(12) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constantFrom('resize' as const, 'reserve' as const),
      slot,
      blocks: fc.nat(30),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ verb: fc.constant('reopen' as const), slot, blocks: fc.nat(30) }),
  },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('match' as const), tokens }) },
)

interface Call {
  slot: number
  builder: ChainBuilder
  mine: Hold
  theirs: NaiveHold
}

/** The index and the model side by side. */
class Pair {
  readonly index = new PrefixIndex({ blocksMax })
  readonly model = new NaiveCaches(blocksMax)
  readonly calls: Call[] = []
  readonly prompts: number[][] = []

  constructor() {
    for (let slot = 0; slot < slots; slot += 1) this.open(slot, 25)
  }

  open(slot: number, blocks: number): void {
    this.index.open(slot, blocks)
    this.model.open(slot, blocks)
  }

  run(step: Step): void {
    switch (step.verb) {
      case 'hold':
        return this.hold(step.tokens, step.slot)
      case 'extend':
      case 'release':
      case 'takeBack':
      case 'audit':
        return this.change(step)
      case 'resize':
      case 'reserve':
        this.index[step.verb](step.slot, step.blocks)
        return this.model[step.verb](step.slot, step.blocks)
      case 'reopen':
        return this.reopen(step.slot, step.blocks)
      case 'match':
        this.prompts.push(step.tokens)
    }
  }

  hold(tokens: number[], slot: number): void {
    const builder = builderOf(tokens)
    const mine = this.index.hold(builder.chain(), slot)
    const theirs = this.model.hold(builder.chain(), slot)
    assert.equal(mine.found, theirs.found)
    this.calls.push({ slot, builder, mine, theirs })
    this.prompts.push(tokens)
  }

  change(step: Extract<Step, { which: number }>): void {
    const call = this.calls[step.which % Math.max(1, this.calls.length)]
    if (call === undefined) return
    if (step.verb === 'extend') {
      call.builder.push(step.tokens)
      this.index.extend(call.mine, call.builder.chain())
      this.model.extend(call.theirs, call.builder.chain())
    } else if (step.verb === 'audit') {
      this.index.audit(call.mine, step.blocks)
      this.model.audit(call.theirs, step.blocks)
    } else {
      this.index[step.verb](call.mine)
      this.model[step.verb](call.theirs)
      this.calls.splice(this.calls.indexOf(call), 1)
    }
  }

  reopen(slot: number, blocks: number): void {
    this.index.close(slot)
    this.model.close(slot)
    for (const call of this.calls) if (call.slot === slot) call.theirs.isLive = false
    this.open(slot, blocks)
  }

  check(): void {
    const into = new Int32Array(slots)
    const live = new Int32Array(slots)
    for (const tokens of this.prompts.slice(-12)) {
      const chain = builderOf(tokens).chain()
      const most = this.index.match(chain, into, live)
      const expected = Array.from({ length: slots }, (_, slot) => this.model.match(chain, slot))
      assert.deepEqual([...into], expected)
      assert.equal(most, Math.max(...expected))
      assert.deepEqual(
        [...live],
        expected.map((_, slot) => this.model.matchLive(chain, slot)),
      )
    }
    let blocks = 0
    for (let slot = 0; slot < slots; slot += 1) {
      assert.equal(this.index.held(slot), this.model.held(slot))
      assert.equal(this.index.live(slot), this.model.live(slot))
      blocks += this.index.held(slot)
    }
    assert.equal(this.index.blocks, blocks)
    assert(this.index.size.hashes <= blocks)
    assert(this.index.size.runs <= this.index.size.hashes)
  }
}

function builderOf(tokens: number[]): ChainBuilder {
  const builder = new ChainBuilder({ blockTokens: 2, seed: [1, 2] })
  builder.push(tokens)
  return builder
}

test('the index holds what caches kept block by block hold', () => {
  const runs = Number(process.env['INDEX_RUNS'] ?? 300)
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const pair = new Pair()
      for (const one of steps) {
        pair.run(one)
        pair.check()
      }
      for (const { mine } of pair.calls) pair.index.release(mine)
      for (let slot = 0; slot < slots; slot += 1) pair.index.close(slot)
      const { runs, copies, hashes } = pair.index.size
      assert.deepEqual({ runs, copies, hashes }, { runs: 0, copies: 0, hashes: 0 })
    }),
    { numRuns: runs },
  )
})
