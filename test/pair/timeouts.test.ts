import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, codeIn, question, questions, spoken } from './client.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair
let hurried: Pair

before(async () => {
  provider = await startProvider({ tokenMs: 5 })
  const pool = {
    timeouts: { head: '300ms', firstContent: '400ms', idle: '600ms' },
    commit: { hold: '5s' },
  }
  pair = await startPair({ provider: provider.port, pool })
  const late = { commit: { hold: '50ms', keepAlive: '50ms' } }
  hurried = await startPair({ provider: provider.port, pool: late, sidecar: { deadline: '400ms' } })
})
after(async () => {
  await Promise.all([pair?.close(), hurried?.close()])
  await provider?.close()
})

for (const dialect of spoken) {
  const held = dialect === 'completions' ? 'stall=0' : 'stall=1'
  const cases: readonly [string, boolean, string, string][] = [
    ['no head', true, 'stall-head', 'head-timeout'],
    ['no head', false, 'stall-head', 'head-timeout'],
    ['no content', true, held, 'first-content-timeout'],
    ['half an answer', false, 'stall=1', 'idle-timeout'],
  ]
  for (const [what, stream, fault, code] of cases) {
    test(`${what} in time is ${code} of ${dialect}${stream ? ', streamed' : ''}`, async () => {
      const seen = await ask(pair.port, question(dialect, { stream, fault }))
      assert.deepEqual([seen.status, codeIn(seen.body)], [504, code])
      await provider.whenIdle()
    })
  }

  test(`a stream of ${dialect} that falls silent ends with idle-timeout`, async () => {
    const seen = await ask(pair.port, question(dialect, { stream: true, fault: 'stall=5' }))
    assert.equal(seen.status, 200)
    assert.match(seen.body, /idle-timeout/)
    assert.ok(!seen.body.includes(questions[dialect].done))
    await provider.whenIdle()
  })

  test(`no head of ${dialect} within the deadline is deadline-exceeded`, async () => {
    const seen = await ask(hurried.port, question(dialect, { fault: 'stall-head' }))
    assert.deepEqual([seen.status, codeIn(seen.body)], [504, 'deadline-exceeded'])
    await provider.whenIdle()
  })

  test(`a stream of ${dialect} over the deadline ends with its error event`, async () => {
    const seen = await ask(hurried.port, question(dialect, { stream: true, fault: 'stall=5' }))
    assert.equal(seen.status, 200)
    assert.match(seen.body, /deadline-exceeded/)
    assert.ok(!seen.body.includes(questions[dialect].done))
    await provider.whenIdle()
  })

  test(`after the hold of ${dialect} comments keep the connection alive`, async () => {
    const seen = await ask(hurried.port, question(dialect, { stream: true, fault: held }))
    assert.equal(seen.status, 200)
    assert.match(seen.body, /: keep-alive\n\n/)
    assert.match(seen.body, /deadline-exceeded/)
    await provider.whenIdle()
  })
}
