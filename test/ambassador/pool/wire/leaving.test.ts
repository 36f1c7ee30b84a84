import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { health, startWire } from './stage.ts'

test('a replica that is taken off the list finishes its streams and gets no call any more', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-leaving-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'replicas.yaml')
  const list = (addresses: readonly string[]) => writeFileSync(file, JSON.stringify(addresses))
  const wire = await startWire(t, {
    listed(addresses) {
      list(addresses)
      return { file, health }
    },
  })
  const stream = await wire.ask('hello', { max_tokens: 400 })
  const { one, others } = wire.servedBy(stream)
  list(others.map(({ port }) => `http://127.0.0.1:${port}`))
  let listed = 2
  while (listed > 1) {
    await wire.pass(1)
    listed = (await wire.status()).length
  }
  assert.ok(!stream.isOver, stream.text.slice(-200))
  const before = one.calls().length
  for (const name of ['a', 'b', 'c']) {
    const next = await wire.ask(name)
    assert.ok(others.includes(wire.servedBy(next).one))
  }
  assert.equal(one.calls().length, before)
  await wire.passUntil(() => stream.isOver)
  assert.match(stream.text, /"length".*\[DONE\]/s)
})
