import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LimitJournal } from '#ambassador/limits/journal.ts'
import { JournalFile } from '#ambassador/limits/journal-file.ts'
import { type Admission, Limiter } from '#ambassador/limits/limiter.ts'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'
import { limitConfig } from './limit-config.ts'

const tenants = {
  search: {
    limits: [
      { requests: 1_000, per: 'minute' },
      { tokens: 1_000_000, per: 'day' },
      { usd: 500, per: 'month', each: 'model' },
    ],
  },
}

/** A real file on a disk that is full as long as its process says so: half of the text fits. */
class FullNowAndThen extends JournalFile {
  readonly #disk: { readonly isFull: boolean }

  constructor(path: string, disk: { readonly isFull: boolean }) {
    super(path)
    this.#disk = disk
  }

  override async append(text: string) {
    if (!this.#disk.isFull) return await super.append(text)
    await super.append(text.slice(0, text.length / 2))
    return { ok: false, reason: 'ENOSPC' } as const
  }

  override async replace(text: string) {
    return this.#disk.isFull ? ({ ok: false, reason: 'ENOSPC' } as const) : super.replace(text)
  }
}

/** One process with its memory; `problems` is what it said of its journal. */
class Life {
  isFull = false
  readonly store = new MemoryStore()
  readonly problems: (string | undefined)[] = []
  readonly clock: ManualClock
  readonly limiter: Limiter
  readonly journal: LimitJournal

  constructor(directory: string | undefined, clock: ManualClock, provider = 'main') {
    const { store } = this
    this.clock = clock
    this.limiter = new Limiter({ provider: 'main', store, clock })
    const onTrouble = (problem: string | undefined) => void this.problems.push(problem)
    const open = (path: string) => new FullNowAndThen(path, this)
    this.journal = new LimitJournal({ store, clock, provider, open, onTrouble })
    this.journal.configure(directory)
    this.limiter.configure(limitConfig(tenants))
  }

  admit(model = 'm'): Admission {
    const expected = { requests: 1, inputTokens: 60, outputTokens: 40, picoUsd: 2_000_000_000_001n }
    const ask = { tenant: 'search', class: 'interactive', model, expected } as const
    const admission = this.limiter.admit(ask)
    assert.ok(!(admission instanceof Promise))
    return admission
  }

  get used(): number[] {
    return this.limiter.readings().map(({ used }) => used)
  }

  /** Lets time pass and the disk finish. */
  async pass(ms: number): Promise<void> {
    await this.journal.whenIdle()
    this.clock.advance(ms)
    await this.journal.whenIdle()
  }
}

const spent = { requests: 1, inputTokens: 50, outputTokens: 20, picoUsd: 1_500_000_000_000n }

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'limits-'))
  try {
    await run(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

test('a process that ends in order leaves all that was used to the next', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const first = new Life(directory, clock)
    void first.admit().end(spent)
    void first.admit('org/m:1').end(spent)
    await first.journal.close()
    assert.equal(clock.pending(), 0)
    const next = new Life(directory, clock)
    assert.deepEqual(next.used, [2, 140, 1.5, 1.5, 0])
    assert.deepEqual(next.used, first.used)
    await next.journal.close()
    assert.deepEqual([...first.problems, ...next.problems], [])
  })
})

test('a process that is killed loses at most what came after the last write', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const killed = new Life(directory, clock)
    await killed.pass(0)
    for (let call = 0; call < 20; call++) {
      void killed.admit().end(spent)
      await killed.pass(100)
    }
    const kept = new Life(directory, clock)
    const [requests = 0] = kept.used
    assert.ok(requests >= 15, `${requests} of 20 calls, ten a second`)
    await kept.journal.close()
    await killed.journal.close()
  })
})

test('a call in flight when its process was killed stays charged as reserved', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const killed = new Life(directory, clock)
    killed.admit()
    await killed.pass(500)
    const next = new Life(directory, clock)
    assert.deepEqual(next.used, [1, 100, 2.000000000001, 0, 0])
    await next.journal.close()
    await killed.journal.close()
  })
})

test('what counts no longer is not brought back', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const first = new Life(directory, clock)
    void first.admit().end(spent)
    clock.advance(40_000)
    void first.admit().end(spent)
    await first.journal.close()
    clock.advance(30_000)
    const sameDay = new Life(directory, clock)
    assert.deepEqual(sameDay.used, [1, 140, 3, 0, 0])
    await sameDay.journal.close()
    clock.advance(86_400_000)
    const nextDay = new Life(directory, clock)
    assert.deepEqual(nextDay.used, [0, 0, 3, 0, 0])
    await nextDay.journal.close()
  })
})

test('limits that are gone are not brought back', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const first = new Life(directory, clock)
    void first.admit().end(spent)
    await first.journal.close()
    const without = new Life(directory, clock)
    without.limiter.configure(limitConfig({ search: {} }))
    await without.journal.close()
    const next = new Life(directory, clock)
    assert.deepEqual(next.used, [0, 0, 0, 0, 0])
    await next.journal.close()
  })
})

test('a file of another version is put aside and a fresh one begun', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'limits-main.journal')
    writeFileSync(path, '{"journal":"outrigger limits","version":2}\nwho knows\n')
    const clock = manualClock()
    const life = new Life(directory, clock)
    void life.admit().end(spent)
    await life.journal.close()
    assert.deepEqual(life.problems, ['is of another version; it was put aside', undefined])
    assert.match(readFileSync(`${path}.aside`, 'utf8'), /version":2/)
    const next = new Life(directory, clock)
    assert.deepEqual(next.used, life.used)
    await next.journal.close()
  })
})

test('what is no file is put aside', async () => {
  await inDirectory(async (directory) => {
    mkdirSync(join(directory, 'limits-main.journal'))
    const life = new Life(directory, manualClock())
    assert.deepEqual(life.problems, ['cannot be read: not a file; it was put aside'])
    await life.journal.close()
    assert.deepEqual(life.problems.slice(1), [undefined])
  })
})

test('a disk that refuses is told of once, and all is written when it is back', async () => {
  await inDirectory(async (parent) => {
    const directory = join(parent, 'absent')
    const clock = manualClock()
    const life = new Life(directory, clock)
    for (let call = 0; call < 5; call++) {
      void life.admit().end(spent)
      await life.pass(10_000)
    }
    assert.deepEqual(life.problems, ['cannot be written: ENOENT'])
    assert.equal(life.journal.state, 'failing')
    assert.deepEqual(life.used.slice(1, 3), [350, 7.5])
    mkdirSync(directory)
    await life.pass(10_000)
    assert.deepEqual(life.problems, ['cannot be written: ENOENT', undefined])
    assert.equal(life.journal.state, 'writing')
    const next = new Life(directory, clock)
    assert.deepEqual(next.used, life.used)
    await next.journal.close()
    await life.journal.close()
  })
})

test('a disk that fills up in the middle of a write loses nothing that memory holds', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const life = new Life(directory, clock)
    void life.admit('org/m:1').end(spent)
    await life.pass(500)
    life.isFull = true
    void life.admit().end(spent)
    await life.pass(500)
    await life.pass(5_000)
    assert.deepEqual(life.problems, ['cannot be written: ENOSPC'])
    const meanwhile = new Life(directory, clock)
    assert.deepEqual(meanwhile.used.slice(3), [1.5, 0])
    assert.deepEqual(meanwhile.problems, [])
    await meanwhile.journal.close()
    life.isFull = false
    await life.pass(5_000)
    assert.deepEqual(life.problems.slice(1), [undefined])
    const next = new Life(directory, clock)
    assert.deepEqual(next.used, life.used)
    for (const { journal } of [next, life]) await journal.close()
  })
})

test('the file stays within its bound however long the process runs', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const life = new Life(directory, clock)
    const many = Array.from({ length: 1_000 }, (_, at) => `tenant-${at}`)
    const limits = [{ requests: 1_000, per: 'day' }]
    life.limiter.configure(limitConfig(Object.fromEntries(many.map((name) => [name, { limits }]))))
    const expected = { ...spent, requests: 1 }
    let largest = 0
    for (let round = 0; round < 30; round++) {
      for (const tenant of many) {
        void life.limiter.admit({ tenant, class: 'batch', model: 'm', expected })
      }
      await life.pass(500)
      largest = Math.max(largest, statSync(join(directory, 'limits-main.journal')).size)
    }
    const whole = statSync(join(directory, 'limits-main.journal')).size
    assert.ok(whole > 0 && largest < 2 ** 20 + 400_000, `${largest} bytes`)
    await life.journal.close()
    assert.deepEqual(readdirSync(directory), ['limits-main.journal'])
  })
})

test('ambassadors of several providers share a directory', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const [one, other] = [new Life(directory, clock), new Life(directory, clock, 'other')]
    void one.admit().end(spent)
    await one.journal.close()
    await other.journal.close()
    assert.deepEqual(readdirSync(directory).toSorted(), [
      'limits-main.journal',
      'limits-other.journal',
    ])
    const next = new Life(directory, clock, 'other')
    assert.deepEqual(next.used, [0, 0, 0, 0, 0])
    await next.journal.close()
  })
})

test('a reload that names another directory moves the journal, not its past', async () => {
  await inDirectory(async (parent) => {
    const [from, to] = [join(parent, 'from'), join(parent, 'to')]
    mkdirSync(from)
    mkdirSync(to)
    const clock = manualClock()
    const stale = new Life(to, clock)
    for (let call = 0; call < 9; call++) void stale.admit('org/m:1').end(spent)
    await stale.journal.close()
    const life = new Life(from, clock)
    void life.admit().end(spent)
    life.journal.configure(to)
    await life.pass(500)
    assert.deepEqual(life.used, [1, 70, 1.5, 0, 0])
    life.journal.configure(undefined)
    assert.equal(life.journal.state, 'off')
    await life.journal.close()
    assert.equal(clock.pending(), 0)
    const next = new Life(to, clock)
    assert.deepEqual(next.used, life.used)
    await next.journal.close()
  })
})

test('a journal that was torn is whole again after a start', async () => {
  await inDirectory(async (directory) => {
    const clock = manualClock()
    const first = new Life(directory, clock)
    void first.admit().end(spent)
    await first.journal.close()
    const path = join(directory, 'limits-main.journal')
    const torn = readFileSync(path).subarray(0, -3)
    writeFileSync(path, torn)
    const next = new Life(directory, clock)
    const kept = next.used
    await next.journal.close()
    const last = new Life(directory, clock)
    assert.deepEqual(last.used, kept)
    assert.deepEqual([...next.problems, ...last.problems], [])
    await last.journal.close()
  })
})
