import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logFile, replayed } from '../simulator/replay/log-file.ts'
import { startProvider } from './harness.ts'
import { isHeard, startPool, user } from './pool-stage.ts'

const words = Array.from({ length: 240 }, (_, at) => `word${at}`).join(' ')

test('a conversation is told of call by call, and what was told is played again', async (t) => {
  const replicas = await Promise.all([startProvider(), startProvider()])
  t.after(() => Promise.all(replicas.map((replica) => replica.close())))
  const ports = replicas.map(({ port }) => port)
  const stage = await startPool(t, ports, { dispatch: { decisions: true } })
  await stage.statusOnce(isHeard)
  const messages: object[] = []
  const ids: string[] = []
  for (let turn = 0; turn < 3; turn++) {
    messages.push(user(`${words} turn ${turn}`))
    const { status, text, headers } = await stage.chat({ messages, max_tokens: 8 })
    assert.equal(status, 200)
    messages.push({ role: 'assistant', content: text })
    ids.push(headers.get('x-outrigger-call') ?? '')
  }
  const { ambassador } = stage.pair

  const [, , id = ''] = ids
  const page = await ambassador.page(`/explain?call=${id}`)
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.text, /word\d/)
  const { decisions } = JSON.parse(page.text)
  assert.equal(decisions.length, 1)
  assert.equal(decisions[0].replica, decisions[0].costs[0].replica)
  assert.equal(decisions[0].end.outcome, 'ok')
  assert.ok(decisions[0].end.cachedTokens > 0)
  assert.ok(decisions[0].runnerUp.total > decisions[0].total)
  assert.equal((await ambassador.page('/explain?call=unheard-of')).status, 404)
  assert.equal((await ambassador.page('/explain')).status, 400)

  const lines = await Promise.all(
    ids.map((one) => ambassador.line(({ msg, call }) => msg === 'decision' && call === one)),
  )
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  assert.doesNotMatch(text, /word\d/)
  const { out, failure } = replayed(logFile(t, text), '--policy', 'fair', '--policy', 'round-robin')
  assert.equal(failure, '')
  assert.match(out, /^3 calls in \d+s\.\n2 simulated replicas of /)
  const hitRate = (name: string) =>
    Number(new RegExp(`^${name} .* ([\\d.]+) %`, 'm').exec(out)?.[1])
  assert.ok(hitRate('observed') > 20)
  assert.ok(hitRate('fair') > 20, out)
  assert.ok(hitRate('fair') >= hitRate('round-robin'))
})
