import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { ClusterAccess } from '#shared/kubernetes/cluster-access.ts'
import { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { type ManualClock, manualClock } from '#test/manual-clock.ts'
import {
  reply,
  type Script,
  type Seen,
  scriptedServer,
  selfSigned,
  statusBody,
} from './scripted-server.ts'

const pods = '/api/v1/namespaces/shop/pods'
const pod = (name: string, resourceVersion = '7') => ({
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion },
})

interface Given {
  readonly access?: Partial<ClusterAccess>
  readonly clock?: ManualClock
}

async function serve(t: TestContext, script: Script, given: Given = {}) {
  const server = await scriptedServer(t, script)
  const clock = given.clock ?? manualClock()
  const access = { server: server.origin, ca: () => server.ca, token: () => 'abc', ...given.access }
  const api = new KubernetesApi({ access, clock, userAgent: 'outrigger-test' })
  t.after(() => api.close())
  return { server, clock, api }
}

async function failure(promise: Promise<unknown>): Promise<KubernetesError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(
    error instanceof KubernetesError,
    `rejects with a KubernetesError, not ${String(error)}`,
  )
  return error
}

test('a question carries token, user agent and what it accepts', async (t) => {
  const { api, server } = await serve(t, (_, response) => reply(response, 200, pod('a')))
  const object = await api.get(`${pods}/a`)
  assert.equal(object.metadata.name, 'a')
  const { headers, url, method } = server.seen[0]!
  assert.deepEqual([method, url], ['GET', `${pods}/a`])
  assert.equal(headers.authorization, 'Bearer abc')
  assert.equal(headers['user-agent'], 'outrigger-test')
  assert.equal(headers.accept, 'application/json')
})

test('questions one after the other share one connection', async (t) => {
  const { api, server } = await serve(t, (_, response) => reply(response, 200, pod('a')))
  for (let n = 0; n < 3; n++) await api.get(`${pods}/a`)
  assert.deepEqual(
    server.seen.map(({ connection }) => connection),
    [1, 1, 1],
  )
})

test('a refusal gives status, reason and message of the Status object, and no token', async (t) => {
  const { api } = await serve(t, (_, response) =>
    reply(response, 404, statusBody(404, 'NotFound', 'pods "a" not found')),
  )
  const error = await failure(api.get(`${pods}/a`))
  assert.deepEqual([error.status, error.reason], [404, 'NotFound'])
  assert.equal(error.message, `Cannot GET ${pods}/a: pods "a" not found`)
})

test('a refusal without a Status object is named for its HTTP status', async (t) => {
  const { api } = await serve(t, (_, response) => response.writeHead(503).end('<html>'))
  const error = await failure(api.get('/api/v1/nodes/a'))
  assert.deepEqual([error.status, error.reason], [503, 'ServiceUnavailable'])
})

test('an answer that is no object is garbage', async (t) => {
  const bodies = [
    '<html>',
    '[]',
    '{}',
    '{"metadata":{"name":7}}',
    '{"metadata":{"labels":{"a":1}}}',
  ]
  const { api } = await serve(t, (_, response) => response.end(bodies.shift()))
  for (let left = bodies.length; left > 0; left--) {
    const error = await failure(api.get('/api/v1/nodes/a'))
    assert.deepEqual([error.status, error.reason], [0, 'Garbage'])
  }
})

test('a list is read page by page and its items know their kind', async (t) => {
  const script: Script = ({ url }, response) => {
    const next = new URL(url, 'https://x').searchParams.get('continue')
    reply(response, 200, {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '90', continue: next === null ? 'more' : '' },
      items: next === null ? [pod('a'), pod('b')] : null,
    })
  }
  const { api, server } = await serve(t, script)
  const { items, resourceVersion } = await api.list(pods, { labelSelector: 'app=shop' })
  assert.deepEqual(
    items.map(({ kind, metadata }) => [kind, metadata.name]),
    [
      ['Pod', 'a'],
      ['Pod', 'b'],
    ],
  )
  assert.equal(resourceVersion, '90')
  assert.deepEqual(
    server.seen.map(({ url }) => url),
    [
      `${pods}?limit=250&labelSelector=app%3Dshop`,
      `${pods}?limit=250&labelSelector=app%3Dshop&continue=more`,
    ],
  )
})

test('a list whose next page has expired begins again, three times at most', async (t) => {
  let expirations = 2
  const script: Script = ({ url }, response) => {
    if (!url.includes('continue=')) {
      const metadata = { resourceVersion: '9', continue: 'more' }
      reply(response, 200, { kind: 'PodList', metadata, items: [pod('a')] })
    } else if (expirations-- > 0) {
      reply(response, 410, statusBody(410, 'Expired', 'the continue parameter is too old'))
    } else {
      const metadata = { resourceVersion: '9' }
      reply(response, 200, { kind: 'PodList', metadata, items: [pod('b')] })
    }
  }
  const { api } = await serve(t, script)
  const { items } = await api.list(pods)
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['a', 'b'],
  )
  expirations = 3
  const error = await failure(api.list(pods))
  assert.deepEqual([error.status, error.reason], [410, 'Expired'])
})

test('a list without end is given up', async (t) => {
  const items = Array.from({ length: 5_000 }, () => ({ metadata: {} }))
  const page = JSON.stringify({
    kind: 'PodList',
    metadata: { resourceVersion: '9', continue: 'x' },
    items,
  })
  const { api, server } = await serve(t, (_, response) => response.end(page))
  assert.equal((await failure(api.list(pods))).reason, 'TooLarge')
  assert.equal(server.seen.length, 6)
})

test('metadata alone is asked for by its media types', async (t) => {
  const { api, server } = await serve(t, (_, response) =>
    reply(response, 200, { kind: 'PartialObjectMetadataList', metadata: { resourceVersion: '1' } }),
  )
  await api.list(pods, {}, { as: 'metadata' })
  const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'
  assert.equal(server.seen[0]?.headers.accept, accept)
})

test('writing uses the methods and media types of the API', async (t) => {
  const { api, server } = await serve(t, (_, response) => reply(response, 200, pod('a')))
  await api.create(pods, pod('a'), { dryRun: 'All' })
  await api.replace(`${pods}/a`, pod('a'))
  await api.patch(`${pods}/a`, { spec: {} }, { type: 'merge' })
  await api.patch(`${pods}/a`, [{ op: 'remove', path: '/spec' }], { type: 'json' })
  await api.patch(`${pods}/a`, { spec: {} }, { type: 'apply', fieldManager: 'me', force: true })
  const said = server.seen.map(({ method, url, headers }) => [method, url, headers['content-type']])
  assert.deepEqual(said, [
    ['POST', `${pods}?dryRun=All`, 'application/json'],
    ['PUT', `${pods}/a`, 'application/json'],
    ['PATCH', `${pods}/a`, 'application/merge-patch+json'],
    ['PATCH', `${pods}/a`, 'application/json-patch+json'],
    ['PATCH', `${pods}/a?fieldManager=me&force=true`, 'application/apply-patch+yaml'],
  ])
  assert.equal(server.seen[3]?.body, '[{"op":"remove","path":"/spec"}]')
})

test('a removal has a length, so that the next question on its connection is one', async (t) => {
  const success = { kind: 'Status', apiVersion: 'v1', status: 'Success' }
  const { api, server } = await serve(t, ({ method }, response) =>
    reply(response, 200, method === 'DELETE' ? success : pod('ü')),
  )
  const removed = await api.remove(`${pods}/a`, 'uid-ü')
  assert.equal(removed['status'], 'Success')
  await api.get(`${pods}/b`)
  const [removal, next] = server.seen
  assert.equal(removal?.headers['content-length'], String(Buffer.byteLength(removal?.body ?? '')))
  assert.deepEqual(JSON.parse(removal?.body ?? ''), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'uid-ü' },
  })
  assert.deepEqual([next?.method, next?.connection], ['GET', 1])
})

test('text comes as it is', async (t) => {
  const { api, server } = await serve(t, (_, response) => response.end('v1.36.3'))
  assert.equal(await api.text('/version'), 'v1.36.3')
  assert.equal(server.seen[0]?.headers.accept, '*/*')
})

test('a token that was refused is read anew, and tried once where it is another', async (t) => {
  const tokens = ['old', 'new', 'newest']
  const access = {
    token: () => tokens[0],
    refresh: () => void (tokens.length > 1 && tokens.shift()),
  }
  const accepted = (request: Seen) => request.headers.authorization === 'Bearer new'
  const script: Script = (request, response) =>
    accepted(request)
      ? reply(response, 200, pod('a'))
      : reply(response, 401, statusBody(401, 'Unauthorized', 'Unauthorized'))
  const { api, server } = await serve(t, script, { access })
  assert.equal((await api.get(`${pods}/a`)).metadata.name, 'a')
  assert.equal(server.seen.length, 2)
  tokens.splice(0, 3, 'gone')
  const error = await failure(api.get(`${pods}/a`))
  assert.equal(error.status, 401)
  assert.equal(server.seen.length, 3)
  assert.ok(!error.message.includes('gone'))
})

test('a server that refuses every token is asked twice', async (t) => {
  let tokens = 0
  const { api, server } = await serve(
    t,
    (_, response) => reply(response, 401, statusBody(401, 'Unauthorized', 'Unauthorized')),
    { access: { token: () => `token-${tokens}`, refresh: () => void tokens++ } },
  )
  assert.equal((await failure(api.get(`${pods}/a`))).status, 401)
  assert.equal(server.seen.length, 2)
})

/** A clock whose waits of `ms` are over at once. */
function skipping(ms: number): ManualClock {
  const clock = manualClock()
  return {
    ...clock,
    after(delayMs, action) {
      if (delayMs === ms) setImmediate(() => clock.advance(ms))
      return clock.after(delayMs, action)
    },
  }
}

test('a 429 is tried again when it says, while there is time', async (t) => {
  let refusals = 3
  const script: Script = (_, response) => {
    if (refusals-- === 0) return reply(response, 200, pod('a'))
    response.setHeader('retry-after', '4')
    return reply(response, 429, statusBody(429, 'TooManyRequests', 'too many'))
  }
  const clock = skipping(4_000)
  const { api, server } = await serve(t, script, { clock })
  assert.equal((await api.get(`${pods}/a`)).metadata.name, 'a')
  assert.equal(clock.now(), 12_000)
  refusals = 100
  const error = await failure(api.get(`${pods}/a`))
  assert.deepEqual([error.status, error.retryAfterMs, clock.now()], [429, 4_000, 24_000])
  assert.equal(server.seen.length, 8)
  assert.equal(clock.pending(), 0)
})

test('a 429 that says nothing, such as of an eviction, is an answer', async (t) => {
  const { api, server } = await serve(t, (_, response) =>
    reply(response, 429, statusBody(429, 'TooManyRequests', 'disruption budget')),
  )
  const error = await failure(api.create(`${pods}/a/eviction`, {}))
  assert.deepEqual([error.status, error.retryAfterMs, server.seen.length], [429, undefined, 1])
})

test('a GET whose connection breaks is tried once more, a change is not', async (t) => {
  const { api, server } = await serve(t, (_, response) => response.socket?.destroy())
  assert.equal((await failure(api.get(`${pods}/a`))).reason, 'Unreachable')
  assert.equal(server.seen.length, 2)
  assert.equal((await failure(api.create(pods, {}))).reason, 'Unreachable')
  assert.equal(server.seen.length, 3)
})

test('an answer that breaks off is no answer', async (t) => {
  const { api } = await serve(t, (_, response) => {
    response.write('{"metadata":{}', () => response.socket?.destroy())
  })
  assert.equal((await failure(api.get(`${pods}/a`))).reason, 'Unreachable')
})

test('a server that says nothing is left after the time limit', async (t) => {
  const clock = manualClock()
  const { api, server } = await serve(t, () => clock.advance(15_000), { clock })
  assert.equal((await failure(api.get(`${pods}/a`))).reason, 'Timeout')
  await server.left()
  assert.equal(clock.pending(), 0)
})

test('a server that never ends its answer is left after the time limit', async (t) => {
  const clock = manualClock()
  const { api, server } = await serve(
    t,
    (_, response) => void response.write('{', () => setImmediate(() => clock.advance(15_000))),
    { clock },
  )
  assert.equal((await failure(api.get(`${pods}/a`))).reason, 'Timeout')
  await server.left()
})

test('a cancellation ends the list it was given to, and nothing else', async (t) => {
  const cancellation = new Cancellation()
  const script: Script = ({ url }, response) => {
    if (url === `${pods}/b`) reply(response, 200, pod('b'))
    else cancellation.cancel(new CallError('draining', 'Cannot finish: this process is ending'))
  }
  const { api, server, clock } = await serve(t, script)
  assert.equal((await failure(api.list(pods, {}, { cancellation }))).reason, 'Cancelled')
  await server.left()
  assert.equal((await failure(api.list(pods, {}, { cancellation }))).reason, 'Cancelled')
  assert.equal((await api.get(`${pods}/b`)).metadata.name, 'b')
  assert.equal(clock.pending(), 0)
})

test('closing ends what runs', async (t) => {
  const { api, clock } = await serve(t, () => api.close())
  assert.equal((await failure(api.get(`${pods}/a`))).reason, 'Cancelled')
  assert.equal(clock.pending(), 0)
})

test('an answer without end is not kept', async (t) => {
  const mebibyte = Buffer.alloc(2 ** 20, 'a')
  const { api, server } = await serve(t, (_, response) => {
    const more = () => {
      if (!response.destroyed && response.write(mebibyte)) setImmediate(more)
    }
    response.on('drain', more)
    more()
  })
  assert.equal((await failure(api.get(`${pods}/a`))).reason, 'TooLarge')
  await server.left()
})

test('a server that the authorities do not sign for gets no token', async (t) => {
  const stranger = await selfSigned()
  const { api, server } = await serve(t, () => {}, { access: { ca: () => stranger.certificate } })
  const error = await failure(api.get(`${pods}/a`))
  assert.equal(error.reason, 'Unreachable')
  assert.match(error.message, /SELF_SIGNED|UNABLE_TO_VERIFY/)
  assert.equal(server.seen.length, 0)
})

test('authorities that change hold for the next question', async (t) => {
  const stranger = await selfSigned()
  let ca: string | undefined
  const { api, server } = await serve(t, (_, response) => reply(response, 200, pod('a')), {
    access: { ca: () => ca },
  })
  ca = stranger.certificate
  await failure(api.get(`${pods}/a`))
  ca = `${stranger.certificate}\n${server.ca}`
  assert.equal((await api.get(`${pods}/a`)).metadata.name, 'a')
  ca = 'no certificate at all'
  assert.equal((await failure(api.get(`${pods}/a`))).status, 0)
})
