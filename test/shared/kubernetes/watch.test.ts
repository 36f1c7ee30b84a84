import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import type { WatchOptions } from '#shared/kubernetes/watch.ts'
import { manualClock } from '#test/manual-clock.ts'
import { reply, type Script, scriptedServer, statusBody } from './scripted-server.ts'

const path = '/api/v1/namespaces/shop/pods'
const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`
const pod = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } })

async function watch(t: TestContext, script: Script, options: Partial<WatchOptions> = {}) {
  const server = await scriptedServer(t, script)
  const clock = manualClock()
  let token = 'old'
  const access = {
    server: server.origin,
    ca: () => server.ca,
    token: () => token,
    refresh: () => void (token = 'new'),
  }
  const api = new KubernetesApi({ access, clock, userAgent: 'outrigger-test' })
  t.after(() => api.close())
  const told: string[] = []
  const end = api.watch(path, {
    resourceVersion: '5',
    timeoutSeconds: 60,
    onEvent: ({ type, object: { metadata } }) =>
      told.push(`${type} ${metadata.name ?? ''} ${metadata.resourceVersion}`),
    ...options,
  })
  return { end, told, server, clock }
}

test('a watch tells its events in order and ends with the answer', async (t) => {
  const { end, told, server, clock } = await watch(
    t,
    (_, response) => {
      response.write(line('ADDED', pod('a', '6')))
      response.write(line('MODIFIED', pod('a', '7')))
      response.end(
        line('DELETED', pod('a', '8')) + line('BOOKMARK', { metadata: { resourceVersion: '9' } }),
      )
    },
    { query: { labelSelector: 'app=shop' }, as: 'metadata' },
  )
  assert.deepEqual(await end, { kind: 'ended' })
  assert.deepEqual(told, ['ADDED a 6', 'MODIFIED a 7', 'DELETED a 8', 'BOOKMARK  9'])
  const { url, headers } = server.seen[0]!
  const query =
    'labelSelector=app%3Dshop&watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=60'
  assert.equal(url, `${path}?${query}`)
  const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'
  assert.equal(headers.accept, accept)
  assert.equal(clock.pending(), 0)
})

test('a version that is too old is told as such by a status and by an event', async (t) => {
  const gone = statusBody(410, 'Expired', 'too old resource version: 5 (9)')
  const byStatus = await watch(t, (_, response) => reply(response, 410, gone))
  assert.equal((await byStatus.end).kind, 'expired')
  const byEvent = await watch(t, (_, response) =>
    response.write(
      line('ADDED', pod('a', '6')) + line('ERROR', gone) + line('ADDED', pod('b', '7')),
    ),
  )
  assert.equal((await byEvent.end).kind, 'expired')
  assert.deepEqual(byEvent.told, ['ADDED a 6'])
  await byEvent.server.left()
})

test('a refusal, another error event and a cut are failures', async (t) => {
  const scripts: [Script, number, string][] = [
    [(_, r) => reply(r, 403, statusBody(403, 'Forbidden', 'no')), 403, 'Forbidden'],
    [(_, r) => r.end(line('ERROR', statusBody(500, 'InternalError', 'x'))), 500, 'InternalError'],
    [(_, r) => r.end(line('ERROR', {})), 0, 'Garbage'],
    [(_, r) => r.end('<html>\n'), 0, 'Garbage'],
    [(_, r) => r.end(line('RENAMED', pod('a', '6'))), 0, 'Garbage'],
    [(_, r) => r.write(line('ADDED', pod('a', '6')), () => r.socket?.destroy()), 0, 'Unreachable'],
  ]
  for (const [script, status, reason] of scripts) {
    const { end } = await watch(t, script)
    const ended = await end
    assert.equal(ended.kind, 'failed')
    assert.deepEqual('error' in ended && [ended.error.status, ended.error.reason], [status, reason])
  }
})

test('an event without end is not kept', async (t) => {
  const { end, server } = await watch(t, (_, response) => {
    response.write('{"type":"ADDED"')
    for (let n = 0; n < 5; n++) response.write(Buffer.alloc(2 ** 20, ' '))
  })
  const ended = await end
  assert.equal('error' in ended && ended.error.reason, 'TooLarge')
  await server.left()
})

test('a watch is given up ten seconds after the server should have ended it', async (t) => {
  const { end, server, clock } = await watch(
    t,
    (_, response) => {
      response.write(line('ADDED', pod('a', '6')))
    },
    {
      onEvent: () => {
        clock.advance(69_999)
        assert.equal(clock.pending(), 1)
        clock.advance(1)
      },
    },
  )
  const ended = await end
  assert.equal('error' in ended && ended.error.reason, 'Timeout')
  await server.left()
})

test('a cancelled watch tells nothing more', async (t) => {
  const cancellation = new Cancellation()
  let told = 0
  const { end, server, clock } = await watch(
    t,
    (_, response) => {
      response.write(line('ADDED', pod('a', '6')) + line('ADDED', pod('b', '7')))
    },
    {
      cancellation,
      onEvent() {
        told++
        cancellation.cancel(new CallError('draining', 'Cannot watch: this process is ending'))
      },
    },
  )
  assert.deepEqual(await end, { kind: 'cancelled' })
  await server.left()
  assert.equal(told, 1)
  assert.equal(clock.pending(), 0)
})

test('a token that a watch is refused with is read anew', async (t) => {
  const { end, server } = await watch(t, ({ headers }, response) => {
    if (headers.authorization === 'Bearer new') response.end()
    else reply(response, 401, statusBody(401, 'Unauthorized', 'Unauthorized'))
  })
  assert.equal((await end).kind, 'ended')
  assert.equal(server.seen.length, 2)
})
