import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { readCommandLine } from '#deploy/simulator/command-line.ts'
import { ask } from './client.ts'

test('the command line gives options, and says what is wrong with it', () => {
  const words = '--step-time dynamo --speed 0.5 --sequences-max 8 --scheduling priority --lora a,b'
  const { options, drainMs } = readCommandLine([...words.split(' '), '--shutdown-timeout', '2'])
  const { stepTime, speed, runningMax, scheduling, loras } = options
  assert.deepEqual([stepTime, speed, runningMax, scheduling], ['dynamo', 0.5, 8, 'priority'])
  assert.deepEqual([loras, drainMs], [['a', 'b'], 2_000])
  const flags = readCommandLine(['--no-kv-metrics', '--no-prompt-tokens-details', '--dev-mode'])
  const { kvMetrics, promptTokensDetails, devMode } = flags.options
  assert.deepEqual([kvMetrics, promptTokensDetails, devMode], [false, false, true])
  for (const wrong of [
    '--speed=0',
    '--blocks=x',
    '--step-time=fast',
    '--scheduling=lifo',
    '--odd',
  ]) {
    assert.throws(() => readCommandLine([wrong]), new RegExp(wrong.split('=')[0] ?? ''))
  }
})

test('a process ends itself by SIGKILL when it is told to', async () => {
  const entry = new URL('../../deploy/simulator/main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [entry, '--model', 'tiny'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { port } = JSON.parse(String(line))
  await ask(port, { path: '/sim/faults', body: { fault: 'kill' } })
  assert.deepEqual(await exit, [null, 'SIGKILL'])
})
