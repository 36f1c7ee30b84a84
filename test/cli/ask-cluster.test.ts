import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { forwardBy } from '#deploy/cli/calls/kubectl-forward.ts'
import { CommandFailure } from '#deploy/cli/terminal/failure.ts'

/** A kubectl of these lines of shell, first on the PATH. */
function kubectl(t: TestContext, script: string) {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-kubectl-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'kubectl')
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  const path = [directory, process.env['PATH']].join(delimiter)
  return forwardBy({ environment: { PATH: path }, flags: ['--context', 'test'] })
}

const pod = { namespace: 'outrigger-system', name: 'ambassador-llama-1' }

test('a pod’s admin port is reached through kubectl, which ends with the question', async (t) => {
  const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const wanted =
    '--context test port-forward --namespace outrigger-system pod/ambassador-llama-1 :4102'
  const forward = kubectl(
    t,
    `[ "$*" = "${wanted}" ] || exit 1\necho "Forwarding from 127.0.0.1:${address.port} -> 4102"\nexec sleep 60`,
  )
  const answer = await forward(pod, 4_102, async (at) => (await fetch(`http://${at}/`)).text())
  assert.equal(answer, 'hello')
})

test('where kubectl refuses, or is not there, its reason is told', async (t) => {
  const refused = kubectl(t, 'echo "pods is forbidden" >&2; exit 1')
  const isTold = (pattern: RegExp) => (error: unknown) =>
    error instanceof CommandFailure && pattern.test(error.message)
  const use = () => Promise.resolve('never')
  await assert.rejects(refused(pod, 4_102, use), isTold(/kubectl ended: pods is forbidden\.$/))
  const absent = forwardBy({ environment: { PATH: '/nonexistent' }, flags: [] })
  await assert.rejects(absent(pod, 4_102, use), isTold(/there is no kubectl on the PATH\.$/))
})
