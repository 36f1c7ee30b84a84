import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { allSpoken, ask, codeIn, question, questions } from './client.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

/**
 * Each pair has one time that is short. The others are those of production, so that a busy machine
 * runs out of none of them first; and where content has to come before the time is over, it is
 * seconds.
 */
const pools = {
  head: { timeouts: { head: '300ms' } },
  content: { timeouts: { firstContent: '400ms' } },
  idle: { timeouts: { idle: '3s' } },
  deadline: { commit: { hold: '50ms', keepAlive: '50ms' } },
} as const
type Short = keyof typeof pools

let provider: Provider
const pairs = new Map<Short, Pair>()

/** A question to the pair of which that time is short. */
function askWith(short: Short, asked: Parameters<typeof ask>[1]) {
  const pair = pairs.get(short)
  assert.ok(pair !== undefined)
  return ask(pair.port, asked)
}

before(async () => {
  provider = await startProvider({ tokenMs: 5 })
  const open = async (short: Short) => {
    const sidecar = short === 'deadline' ? { deadline: '3s' } : {}
    pairs.set(short, await startPair({ provider: provider.port, pool: pools[short], sidecar }))
  }
  await Promise.all([open('head'), open('content'), open('idle'), open('deadline')])
})
after(async () => {
  await Promise.all([...pairs.values()].map((pair) => pair.close()))
  await provider?.close()
})

describe('a time that runs out', { concurrency: true }, () => {
  for (const dialect of allSpoken) {
    const held = dialect === 'completions' ? 'stall=0' : 'stall=1'
    const cases: readonly [string, boolean, string, Short, string][] = [
      ['no head', true, 'stall-head', 'head', 'head-timeout'],
      ['no head', false, 'stall-head', 'head', 'head-timeout'],
      ['no content', true, held, 'content', 'first-content-timeout'],
      ['half an answer', false, 'stall=1', 'idle', 'idle-timeout'],
    ]
    // litellm#26998
    for (const [what, stream, fault, short, code] of cases) {
      test(`T4: ${what} in time is ${code} of ${dialect}${stream ? ', streamed' : ''}`, async () => {
        const seen = await askWith(short, question(dialect, { stream, fault }))
        assert.deepEqual([seen.status, codeIn(seen.body)], [504, code])
        await provider.whenIdle()
      })
    }

    test(`T4: a stream of ${dialect} that falls silent ends with idle-timeout`, async () => {
      const seen = await askWith('idle', question(dialect, { stream: true, fault: 'stall=5' }))
      assert.equal(seen.status, 200)
      assert.match(seen.body, /idle-timeout/)
      assert.ok(!seen.body.includes(questions[dialect].done))
      await provider.whenIdle()
    })

    test(`T4: no head of ${dialect} within the deadline is deadline-exceeded`, async () => {
      const seen = await askWith('deadline', question(dialect, { fault: 'stall-head' }))
      assert.deepEqual([seen.status, codeIn(seen.body)], [504, 'deadline-exceeded'])
      await provider.whenIdle()
    })

    test(`T4: a stream of ${dialect} over the deadline ends with its error event`, async () => {
      const seen = await askWith('deadline', question(dialect, { stream: true, fault: 'stall=5' }))
      assert.equal(seen.status, 200)
      assert.match(seen.body, /deadline-exceeded/)
      assert.ok(!seen.body.includes(questions[dialect].done))
      await provider.whenIdle()
    })

    test(`after the hold of ${dialect} comments keep the connection alive`, async () => {
      const seen = await askWith('deadline', question(dialect, { stream: true, fault: held }))
      assert.equal(seen.status, 200)
      assert.match(seen.body, /: keep-alive\n\n/)
      assert.match(seen.body, /deadline-exceeded/)
      await provider.whenIdle()
    })
  }
})
