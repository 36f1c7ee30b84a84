import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { ask } from '../client.ts'

const main = new URL('../../../deploy/simulator/provider-main.ts', import.meta.url).pathname

test('the process says its port, serves, and ends with 0 at SIGTERM', async (context) => {
  const options = ['--vendor', 'anthropic', '--key', 'k', '--model', 'm', '--rpm', '60']
  const child = spawn(process.execPath, [main, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  context.after(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  const { ready, port } = JSON.parse(String(line))
  assert.equal(ready, true)
  const headers = { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' }
  const body = { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hello' }] }
  const seen = await ask(port, { path: '/v1/messages', body, headers })
  assert.equal(seen.status, 200)
  assert.equal(seen.headers['anthropic-ratelimit-requests-limit'], '60')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})
