import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCall } from '#ambassador/new-call.ts'
import { PoolPage } from '#ambassador/pool/page/pool-page.ts'
import { ReplicaPool } from '#ambassador/pool/pool.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { Origins } from '#shared/http/client.ts'
import { manualClock } from '../../../manual-clock.ts'

function setUp() {
  const clock = manualClock()
  const pool = new ReplicaPool({ clock, origins: new Origins(), onHealth() {} })
  const page = new PoolPage({ provider: 'llama', clock, pool, isDraining: () => false })
  const read = (path: string) => {
    const asked = page.pages[path]
    assert.ok(typeof asked === 'function')
    return asked(undefined, '')
  }
  /** One call that is over, as `facts` have it. */
  const end = (facts: Partial<ReturnType<typeof newCall>>) => {
    const nobody = { snapshot: undefined, tokens: undefined }
    const call = newCall({ cancellation: new Cancellation(), clock, provider: 'llama', ...nobody })
    page.follow(call)
    Object.assign(call, facts)
    for (const one of call.atEnd) one()
  }
  return {
    clock,
    page,
    end,
    html: () => read('/pool'),
    data: () => JSON.parse(read('/pool.json').text),
  }
}

test('a provider that is no pool has a page that says so much', () => {
  const { data, html } = setUp()
  assert.equal(html().status, 200)
  const { provider, replicas, decisions, waiting } = data()
  assert.deepEqual([provider, replicas, decisions, waiting.calls], ['llama', [], [], 0])
})

test('calls are noted when they end: streams by their first content, failures that are not the caller’s', () => {
  const { clock, end, data, page } = setUp()
  page.placed(12)
  clock.advance(5_000)
  end({ isStream: true, firstContentMs: 80 })
  end({ isStream: false, firstContentMs: 4_000 })
  end({ error: new CallError('overloaded', 'Cannot wait: full') })
  end({ error: new CallError('client-left', 'Cannot answer: nobody is there') })
  const { timeline } = data()
  assert.deepEqual([timeline.heldMs.at(-6), timeline.ttftMs.at(-1)], [12, 80])
  assert.deepEqual(timeline.failedBy, [{ code: 'overloaded', calls: 1 }])
})

test('the answers are kept nowhere', () => {
  const { html } = setUp()
  const { headers = {} } = html()
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(html(), html())
})
