import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { Output, root, untilRefused } from './local-system.ts'

function drill(...args: string[]) {
  const entry = resolve(root, 'deploy', 'cli', 'drill', 'main.ts')
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  return { child, ended, out: new Output(child.stdout), log: new Output(child.stderr) }
}

/** Promises whose keeping does not depend on how fast this machine is. */
const sure = new Set(['failed', 'cut', 'attempts', 'count', 'probes', 'breaker-others'])

async function verdicts(name: string): Promise<Record<string, string>> {
  const { ended, out, log } = drill(name, '--seconds', '1', '--rate', '6', '--json')
  await ended
  assert.ok(out.text.startsWith('{'), log.text)
  const { rows } = JSON.parse(out.text)
  const found: Record<string, string> = {}
  for (const { id, verdict, seen } of rows) if (sure.has(id)) found[id] = `${verdict}: ${seen}`
  return found
}

describe('npm run drill', { concurrency: 2 }, () => {
  for (const name of ['fail', 'kill']) {
    it(`${name}: every call is answered by a target that can, within the ceiling`, async () => {
      const found = await verdicts(name)
      assert.match(found['failed'] ?? '', /^kept: none$/)
      assert.match(found['attempts'] ?? '', /^kept: /)
      for (const verdict of Object.values(found)) assert.match(verdict, /^(kept|told): /)
    })
  }

  it('ends its children where it is told to end', async () => {
    const { child, ended, log } = drill('slow')
    await log.until(/asking 127\.0\.0\.1:\d+/)
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(log.text)?.[1])
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [130, null])
    for (const at of [port, port + 50, port + 100, port + 300]) await untilRefused(at)
  })
})
