import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { NoticeCode } from '#ambassador/pool/signals/notices.ts'
import { pageOf, recordedPage } from './pages.ts'
import { type Route, startPages, startSignals, until } from './stage.ts'

const events = JSON.stringify({ 0: { publisher: 'zmq', endpoint: 'tcp://*:5571', topic: '' } })
/** A server whose flags hide nothing. */
const openPage = pageOf({}, 'vllm:cache_config_info{block_size="16",num_gpu_blocks="9"} 1')
const open: Readonly<Record<string, Route>> = {
  '/metrics': openPage,
  '/kv_event_sources': events,
}

/** A server with other `pages` than an open one’s, after its first page and its facts. */
async function watch(
  context: TestContext,
  pages: Readonly<Record<string, Route | undefined>> = {},
) {
  const server = await startPages(context)
  for (const [path, page] of Object.entries({ ...open, ...pages })) {
    if (page !== undefined) server.routes.set(path, page)
  }
  const stage = startSignals(context)
  const { signals, turn } = stage
  signals.follow({ origins: [server.origin] })
  await turn(0)
  const notices = () => signals.view()[0]?.notices ?? []
  const codes = () => notices().map(({ code }) => code)
  const settled = () => until(() => signals.view()[0]?.facts.eventSources !== undefined)
  return {
    ...stage,
    server,
    codes,
    settled,
    notices,
    say: (code: NoticeCode) => notices().find((each) => each.code === code)?.sentence,
  }
}

test('a server whose flags hide nothing gets no notice', async (context) => {
  const { codes, settled } = await watch(context)
  await settled()
  assert.deepEqual(codes(), [])
})

test('a page of neither server names the flags that bring one', async (context) => {
  const { say, codes } = await watch(context, { '/metrics': 'go_goroutines 7' })
  assert.deepEqual(codes(), ['no-metrics'])
  assert.equal(
    say('no-metrics'),
    '/metrics has nothing of vLLM or SGLang, so that the load of the replica is unknown: start vLLM without --disable-log-stats, or SGLang with --enable-metrics',
  )
})

test('a capacity that is not told, and a cache that is off, are said', async (context) => {
  const off = 'vllm:cache_config_info{enable_prefix_caching="False"} 1'
  const { say, codes, settled } = await watch(context, { '/metrics': pageOf({}, off) })
  await settled()
  assert.deepEqual(codes(), ['capacity-unknown', 'prefix-caching-off'])
  assert.match(
    say('capacity-unknown') ?? '',
    /vllm:cache_config_info .* without --disable-log-stats$/,
  )
  assert.match(say('prefix-caching-off') ?? '', /: start vLLM with --enable-prefix-caching$/)
})

test('a sleeping replica is said to hold every call', async (context) => {
  const asleep = recordedPage
    .replace(/(sleep_state="awake"\}) 1.0/, '$1 0.0')
    .replace(/(sleep_state="discard_all"\}) 0.0/, '$1 1.0')
  const { codes, say, settled } = await watch(context, { '/metrics': asleep })
  await settled()
  // The recorded server has LoRA on.
  assert.deepEqual(codes(), ['sleeping', 'adapters-blurred'])
  assert.equal(
    say('sleeping'),
    'the replica sleeps (discard-all) and holds every call until POST /wake_up, which vLLM has only with VLLM_SERVER_DEV_MODE=1',
  )
})

test('events that are off are told from a server that cannot say', async (context) => {
  const off = await watch(context, { '/kv_event_sources': '{}' })
  await off.settled()
  assert.deepEqual(off.codes(), ['no-events'])
  assert.match(off.say('no-events') ?? '', /start vLLM with --kv-events-config '\{"enable_kv/)
  const absent = await watch(context, { '/kv_event_sources': undefined })
  await absent.settled()
  assert.deepEqual(absent.codes(), ['event-sources-unknown'])
})

const answer = { promptTokens: 100, cachedTokens: undefined, times: undefined }
const hits = (tokens: number) => `${openPage}vllm:prefix_cache_hits_total{engine="0"} ${tokens}\n`

test('answers that hide what was cached are noticed once the cache was hit meanwhile', async (context) => {
  const { codes, say, settled, server, signals, turn } = await watch(context, {
    '/metrics': hits(5),
  })
  await settled()
  for (let count = 0; count < 30; count++) signals.heard(server.origin, answer)
  await turn()
  assert.deepEqual(codes(), [])
  server.routes.set('/metrics', hits(6))
  await turn()
  assert.deepEqual(codes(), ['cached-tokens-hidden'])
  assert.equal(
    say('cached-tokens-hidden'),
    'answers do not say how many prompt tokens were cached although the prefix cache is hit: start vLLM with --enable-prompt-tokens-details',
  )
  // One answer that says it is enough: where nothing was cached, others may leave it out.
  signals.heard(server.origin, { ...answer, cachedTokens: 32 })
  assert.deepEqual(codes(), [])
})

test('few answers, and those that say nothing of their prompt, prove nothing', async (context) => {
  const { codes, settled, server, signals, turn } = await watch(context, { '/metrics': hits(5) })
  await settled()
  for (let count = 0; count < 19; count++) signals.heard(server.origin, answer)
  const times = { ...answer, promptTokens: undefined }
  for (let count = 0; count < 30; count++) signals.heard(server.origin, times)
  server.routes.set('/metrics', hits(500))
  await turn()
  assert.deepEqual(codes(), [])
})

const busy = openPage.replace(/(running.*) 0/, '$1 4')

test('a load of 0 while calls run is noticed at its third time, and asked for no more', async (context) => {
  const { codes, say, server, turn } = await watch(context, {
    '/metrics': busy,
    '/load': '{"server_load":0}',
  })
  while (codes().length === 0) {
    assert.ok(server.count('/load') <= 3)
    await turn()
  }
  assert.deepEqual(codes(), ['load-tracking-off'])
  assert.equal(
    say('load-tracking-off'),
    '/load says 0 while calls run: start vLLM with --enable-server-load-tracking',
  )
  for (let second = 0; second < 5; second++) await turn()
  assert.equal(server.count('/load'), 3)
})

test('one load above 0, or no such page, ends the question', async (context) => {
  for (const load of ['{"server_load":4}', undefined]) {
    const { codes, server, turn } = await watch(context, { '/metrics': busy, '/load': load })
    await until(() => server.count('/load') === 1)
    for (let second = 0; second < 5; second++) await turn()
    assert.equal(server.count('/load'), 1)
    assert.deepEqual(codes(), [])
  }
})

test('an idle server is not asked for its load', async (context) => {
  const { server, settled, turn } = await watch(context, { '/load': '{"server_load":0}' })
  await settled()
  for (let second = 0; second < 3; second++) await turn()
  assert.equal(server.count('/load'), 0)
})
