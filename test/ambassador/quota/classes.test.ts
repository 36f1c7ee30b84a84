import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Permit } from '../../../ambassador/quota/permit.ts'
import type { Quota, QuotaOptions } from '../../../ambassador/quota/quota.ts'
import { RateLimited } from '../../../ambassador/quota/rate-limited.ts'
import { atOnce, bench, placesAtATime, shapeOf, turn, want } from './wants.ts'

const places = shapeOf(placesAtATime)
const classes = ['urgent', 'usual', 'idle']
const patienceMs = 86_400_000

function optionsOf(names: readonly string[], waiting = 100): QuotaOptions {
  return {
    credentials: [{ name: 'main', weight: 1, share: 1, limits: { concurrency: 1 } }],
    classes: names,
    waitingMax: Object.fromEntries(names.map((name) => [name, waiting])),
    tenantShareMax: 1,
    batchShare: 0.1,
  }
}

/** Calls of classes that wait, and those that have gone, in their order. */
class Line {
  readonly gone: string[] = []
  readonly #quota: Quota
  readonly #sent: Permit[] = []

  constructor(quota: Quota) {
    this.#quota = quota
    this.#sent.push(atOnce(quota.enter(want({ tenant: 'z', class: 'urgent' }))))
  }

  join(name: string, calls: number): void {
    for (let call = 0; call < calls; call++) void this.#wait(name)
  }

  /** One goes for each that ends. */
  async end(calls: number): Promise<readonly string[]> {
    const from = this.gone.length
    for (let call = 0; call < calls; call++) {
      this.#sent.shift()?.settle(undefined)
      await turn()
    }
    return this.gone.slice(from)
  }

  async #wait(name: string): Promise<void> {
    const permit = await this.#quota.enter(want({ class: name, patienceMs }))
    this.gone.push(name)
    this.#sent.push(permit)
  }
}

test('calls go by the rank of their class, whenever they came', async () => {
  const { quota } = bench(places, { ...optionsOf(classes), batchShare: 0 })
  const line = new Line(quota)
  for (const name of classes.toReversed()) line.join(name, 2)
  assert.deepEqual(quota.waiting, { urgent: 2, usual: 2, idle: 2, oldestMs: 0 })
  const order = ['urgent', 'urgent', 'usual', 'usual', 'idle', 'idle']
  assert.deepEqual(await line.end(6), order)
})

test('each lower class has its share of what goes above it', async () => {
  const { quota } = bench(places, optionsOf(classes))
  const line = new Line(quota)
  for (const name of classes) line.join(name, 90)
  const gone = await line.end(100)
  const calls = classes.map((name) => gone.filter((other) => other === name).length)
  // A tenth for the lowest; of what is left a tenth for the next.
  assert.deepEqual(calls, [81, 9, 10])
})

test('a call waits behind its own class and better ones, and passes lower ones', async () => {
  const { quota } = bench(places, { ...optionsOf(classes), batchShare: 0 })
  const line = new Line(quota)
  line.join('usual', 1)
  line.join('idle', 1)
  line.join('usual', 1)
  line.join('urgent', 1)
  assert.deepEqual(await line.end(4), ['urgent', 'usual', 'usual', 'idle'])
})

test('calls that wait keep their class where its rank changes', async () => {
  const { quota } = bench(places, { ...optionsOf(classes), batchShare: 0 })
  const line = new Line(quota)
  for (const name of classes) line.join(name, 1)
  quota.configure({ ...optionsOf(classes.toReversed()), batchShare: 0 })
  line.join('idle', 1)
  assert.deepEqual(await line.end(4), ['idle', 'idle', 'usual', 'urgent'])
})

test('calls of a class that vanishes are served last, and later ones as the lowest', async () => {
  const { quota } = bench(places, { ...optionsOf(classes), batchShare: 0 })
  const line = new Line(quota)
  line.join('urgent', 1)
  line.join('idle', 1)
  quota.configure({ ...optionsOf(['usual', 'idle']), batchShare: 0 })
  assert.deepEqual(
    [...quota.byClass],
    [
      ['usual', 0],
      ['idle', 1],
      ['urgent', 1],
    ],
  )
  line.join('usual', 1)
  assert.deepEqual(await line.end(3), ['usual', 'idle', 'urgent'])
  quota.configure(optionsOf(['usual', 'idle']))
  assert.deepEqual([...quota.byClass.keys()], ['usual', 'idle'])
  line.join('urgent', 1)
  assert.equal(quota.byClass.get('idle'), 1)
})

test('each class has a bound of its own', () => {
  const { quota } = bench(places, {
    ...optionsOf(classes),
    waitingMax: { urgent: 3, usual: 1, idle: 2 },
  })
  atOnce(quota.enter(want({ class: 'urgent', patienceMs })))
  const most = { urgent: 3, usual: 1, idle: 2 }
  for (const [name, calls] of Object.entries(most)) {
    const enter = () => void quota.enter(want({ class: name, patienceMs }))
    for (let call = 0; call < calls; call++) enter()
    assert.throws(enter, RateLimited)
    assert.equal(quota.byClass.get(name), calls)
  }
})
