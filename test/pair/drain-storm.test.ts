import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, question } from './client.ts'
import { besides } from './errors/besides.ts'
import { startPair, startProvider } from './harness.ts'

test('T10: no call is lost to ambassadors that end one after another while they are called', async (context) => {
  const provider = await startProvider()
  context.after(() => provider.close())
  const extras = besides(provider.port)
  context.after(() => extras.close())
  const ends = await Promise.all(
    [0, 1, 2].map(() =>
      extras.start('ambassador', { ambassador: { drain: { delay: '50ms', grace: '5s' } } }),
    ),
  )
  const pair = await startPair({
    provider: provider.port,
    // The pair's own ambassador is not called.
    pool: { address: ends.map(({ port }) => `127.0.0.1:${port}`) },
  })
  context.after(() => pair.close())
  const seen = new Map<string, number>()
  let asked = 0
  const worker = async () => {
    while (asked < 600) {
      asked++
      if (asked === 150) ends[0]?.signal('SIGTERM')
      if (asked === 350) ends[1]?.signal('SIGTERM')
      const { status, body } = await ask(pair.port, question('chat'))
      const outcome = status === 200 ? '200' : `${status} ${body}`
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  assert.deepEqual([...seen.keys()], ['200'])
  assert.deepEqual([await ends[0]?.exited(), await ends[1]?.exited()], [0, 0])
})
