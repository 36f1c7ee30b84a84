import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startAdminServer } from '#shared/lifecycle/admin-server.ts'
import { busiestOf, locateBlocks } from '#shared/lifecycle/diagnostics/block-locator.ts'
import { diagnosticsPages } from '#shared/lifecycle/diagnostics/pages.ts'
import { manualClock } from '#test/manual-clock.ts'

const secret = ['sk', 'canaryOfThePage', String(process.pid)].join('-')

async function stage(t: TestContext, isHeapOpen: boolean) {
  const clock = manualClock()
  let begun = () => {}
  const isWaiting = new Promise<void>((resolve) => {
    begun = resolve
  })
  const watched = {
    ...clock,
    after: (ms: number, action: () => void) => {
      begun()
      return clock.after(ms, action)
    },
  }
  const pages = diagnosticsPages({
    clock: watched,
    isHeapOpen: () => isHeapOpen,
    secrets: () => [secret],
  })
  const server = await startAdminServer({ host: '127.0.0.1', port: 0 }, pages)
  t.after(() => server.close())
  const ask = async (path: string, method = 'POST') => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
    return { status: answer.status, text: await answer.text() }
  }
  return { clock, isWaiting, ask }
}

test('a CPU profile takes the seconds that were asked for, one at a time, and holds no value', async (t) => {
  const { clock, isWaiting, ask } = await stage(t, false)
  const profile = ask('/debug/cpu?seconds=3')
  await isWaiting
  const second = await ask('/debug/cpu')
  assert.deepEqual([second.status, second.text.startsWith('busy')], [503, true])
  clock.advance(3_000)
  const { status, text } = await profile
  assert.equal(status, 200)
  assert.ok(JSON.parse(text).nodes.length > 0)
  assert.ok(!text.includes('canaryOfThePage'))
  assert.equal((await ask('/debug/cpu?seconds=0')).status, 400)
  assert.equal((await ask('/debug/cpu?seconds=61')).status, 400)
  assert.equal((await ask('/debug/cpu', 'GET')).status, 405)
})

test('a snapshot of the heap is given only where the configuration opens it', async (t) => {
  const closed = await stage(t, false)
  assert.equal((await closed.ask('/debug/heap')).status, 403)
  const open = await stage(t, true)
  const { status, text } = await open.ask('/debug/heap')
  assert.equal(status, 200)
  assert.ok(JSON.parse(text).strings.length > 1_000)
  assert.ok(!text.includes('canaryOfThePage'))
})

test('what blocked this process is found in it', () => {
  const locator = locateBlocks(manualClock())
  const until = process.cpuUsage().user + 100_000
  function canaryOfTheBlock() {
    while (process.cpuUsage().user < until);
  }
  canaryOfTheBlock()
  const found = locator.busiest(10_000)
  locator.stop()
  assert.ok(found.length <= 5)
  assert.ok(
    found.some((place) => /canaryOfTheBlock|cpuUsage/.test(place)),
    found.join(),
  )
})

test('the busiest functions are those of the block, not of the time before it', () => {
  const frame = (functionName: string) => ({ functionName, url: 'file:///app/a.js', lineNumber: 4 })
  const nodes = [
    { id: 1, callFrame: frame('before') },
    { id: 2, callFrame: frame('slow') },
    { id: 3, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } },
    { id: 4, callFrame: frame('') },
  ]
  const samples = [1, 1, 1, 3, 4, 2, 2]
  const timeDeltas = [900_000, 900_000, 900_000, 50_000, 50_000, 200_000, 200_000]
  assert.deepEqual(busiestOf({ nodes, samples, timeDeltas }, 500), [
    'slow a.js:5 400 ms',
    '(anonymous) a.js:5 50 ms',
  ])
})
