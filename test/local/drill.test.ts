import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertKept, drill } from './drill-run.ts'
import { untilRefused } from './local-system.ts'

describe('npm run drill', { concurrency: 2 }, () => {
  it('fail: every call is answered by a target that can, within the ceiling', () =>
    assertKept('fail'))

  it('ends its children where it is told to end', async () => {
    const { child, ended, log } = drill('slow')
    await log.until(/asking 127\.0\.0\.1:\d+/)
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(log.text)?.[1])
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [130, null])
    for (const at of [port, port + 50, port + 100, port + 300]) await untilRefused(at)
  })
})
