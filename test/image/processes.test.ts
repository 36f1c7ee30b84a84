import assert from 'node:assert/strict'
import { it } from 'node:test'
import { commandOf, processes, processNames } from '#deploy/image/processes.ts'

it('every process is bundled', () => {
  assert.deepEqual(processNames, Object.keys(processes))
})

it("a half's command has its flags before its code", () => {
  assert.deepEqual(commandOf('sidecar'), [
    '/node/bin/node',
    '--max-semi-space-size=8',
    '--v8-pool-size=1',
    '--no-maglev-destroy-on-background',
    '/app/sidecar/main.js',
  ])
  assert.deepEqual(commandOf('ambassador'), [
    '/node/bin/node',
    '--no-maglev-destroy-on-background',
    '/app/ambassador/main.js',
  ])
  assert.deepEqual(commandOf('cli'), ['/node/bin/node', '/app/cli/main.js'])
})
