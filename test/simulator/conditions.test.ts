import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { ask, open, readUntil, replicaClock, textOf, tiny, until } from './client.ts'
import { sampleText, streamShape } from './sample.ts'

const path = '/v1/chat/completions'
const messages = [{ role: 'user', content: 'hello' }]
const unary = { messages, max_tokens: 5 }
const stream = { ...unary, stream: true }

async function enter(port: number, fault: string): Promise<void> {
  const seen = await ask(port, { path: '/sim/faults', body: { fault } })
  assert.deepEqual([seen.status, JSON.parse(seen.body)], [200, { fault }])
}

async function health(port: number): Promise<number> {
  return (await ask(port, { path: '/health' })).status
}

async function sample(port: number, name: string): Promise<number> {
  const { body } = await ask(port, { path: '/metrics' })
  const line = body
    .split('\n')
    .find((text) => text.startsWith(`vllm:${name}`) && !text.includes('_bucket'))
  return Number(line?.slice(line.lastIndexOf(' ')))
}

for (const [fault, awake] of [
  ['asleep', 0],
  ['paused', 1],
] as const) {
  test(`${fault}: healthy and idle, and a call gets its head and nothing more until it is well`, async (context) => {
    const replica = await tiny(context)
    const { port } = replica
    await enter(port, fault)
    const [streamed, whole] = [
      await open(port, { path, body: stream }),
      ask(port, { path, body: unary }),
    ]
    assert.equal(streamed.statusCode, 200)
    await until(() => replica.calls().length === 2)
    for (const gauge of [
      'num_requests_running{',
      'num_requests_waiting{',
      'kv_cache_usage_perc{',
    ]) {
      assert.equal(await sample(port, gauge), 0)
    }
    assert.equal(await health(port), 200)
    const state = 'engine_sleep_state{engine="0",model_name="tiny",sleep_state='
    assert.equal(await sample(port, `${state}"awake"`), awake)
    assert.equal(await sample(port, `${state}"weights_offloaded"`), 1 - awake)
    await enter(port, 'well')
    assert.match(await textOf(streamed), /"finish_reason":"length".*\n\ndata: \[DONE\]\n\n$/s)
    assert.equal((await whole).status, 200)
  })
}

test('a pause ends what is live as aborted, and a sleep forgets the cache', async (context) => {
  const replica = await tiny(context, { tokenMs: 60_000 })
  const { port } = replica
  const live = await open(port, { path, body: stream })
  await readUntil(live, '"This"')
  await enter(port, 'paused')
  await enter(port, 'asleep=2')
  assert.equal(
    await sample(port, 'engine_sleep_state{engine="0",model_name="tiny",sleep_state="discard_all"'),
    1,
  )
  await replica.whenIdle()
  assert.equal(replica.gauges().running, 0)
  await enter(port, 'well')
  const prompt = Array.from({ length: 100 }, (_, at) => at)
  const cached = async () => {
    const seen = await ask(port, { path: '/v1/completions', body: { prompt, max_tokens: 1 } })
    return JSON.parse(seen.body).usage.prompt_tokens_details.cached_tokens
  }
  assert.deepEqual([await cached(), await cached()], [0, 96])
  await enter(port, 'asleep')
  await enter(port, 'well')
  assert.equal(await cached(), 0)
})

test('stuck: a live stream stays open and stops, healthy and with the counts of its last step, until it is well', async (context) => {
  const manual = manualClock()
  const replica = await tiny(context, { clock: replicaClock(manual), tokenMs: 10 })
  const { port } = replica
  const live = await open(port, { path, body: { ...stream, max_tokens: 50 } })
  await until(() => replica.gauges().waiting === 1)
  manual.advance(100)
  await enter(port, 'stuck')
  const later = await open(port, { path, body: stream })
  assert.equal(later.statusCode, 200)
  const generated = replica.gauges().generationTokens
  manual.advance(3_600_000)
  assert.equal(replica.gauges().generationTokens, generated)
  assert.equal(await sample(port, 'generation_tokens_total'), generated)
  assert.equal(await sample(port, 'num_requests_running{'), 1)
  assert.equal(await sample(port, 'num_requests_waiting{'), 0)
  assert.equal(await health(port), 200)
  await enter(port, 'well')
  manual.advance(1_000)
  const [first, second] = [await textOf(live), await textOf(later)]
  for (const text of [first, second]) assert.match(text, /"finish_reason":"length".*\[DONE\]/s)
})

test('draining: what is live ends well, what comes gets 500, and it is healthy', async (context) => {
  const manual = manualClock()
  const replica = await tiny(context, { clock: replicaClock(manual), tokenMs: 10 })
  const { port } = replica
  const live = await open(port, { path, body: stream })
  await enter(port, 'draining')
  for (const body of [unary, stream]) {
    const seen = await ask(port, { path, body })
    const message = 'cannot schedule new futures after shutdown'
    assert.equal(seen.status, 500)
    assert.deepEqual(JSON.parse(seen.body).error, {
      message,
      type: 'InternalServerError',
      param: null,
      code: 500,
    })
  }
  assert.equal(await health(port), 200)
  manual.advance(1_000)
  assert.match(await textOf(live), /data: \[DONE\]\n\n$/)
})

test('a drain lasts until no call is live, and no longer than its grace', async (context) => {
  const manual = manualClock()
  const replica = await tiny(context, { clock: replicaClock(manual), tokenMs: 10 })
  const answer = ask(replica.port, { path, body: unary })
  await until(() => replica.gauges().waiting === 1)
  const drained = replica.drain(1_000)
  manual.advance(100)
  await drained
  assert.equal((await answer).status, 200)
  const asleep = await tiny(context, { clock: replicaClock(manual) })
  asleep.enter('asleep')
  const held = ask(asleep.port, { path, body: unary })
  await until(() => asleep.calls().length === 1)
  const late = asleep.drain(1_000)
  manual.advance(1_000)
  await late
  await asleep.close()
  assert.equal(JSON.parse((await held).body).choices[0].finish_reason, 'abort')
})

/** The last events of a section of die_core.txt, as a stream's text. */
function recordedDeath(section: string): string {
  const text = sampleText('die_core')
  const part = text.slice(text.indexOf(`== ${section}\n`)).split('\n\n')[0] ?? ''
  const lines = part.trimEnd().split('\n').slice(2)
  return `${lines.join('\n').replace(/^(data: .*)$/gm, '$1\n')}\n`
}

test('the crash of the engine breaks answers in the recorded ways, and the server follows', async (context) => {
  const manual = manualClock()
  const kills: string[] = []
  const clock = replicaClock(manual)
  const kill = () => kills.push('killed')
  const replica = await tiny(context, { clock, tokenMs: 10, kill, runningMax: 4 })
  const { port } = replica
  const live = { messages, prompt: 'hello', input: 'hello', max_tokens: 500, stream: true }
  const paths = [path, '/v1/completions', '/v1/messages', '/v1/responses']
  const answers = paths.map((each) => ask(port, { path: each, body: live }))
  await until(() => replica.gauges().waiting === 4)
  manual.advance(50)
  const queued = ask(port, { path: '/v1/completions', body: { ...live, stream: false } })
  await until(() => replica.gauges().waiting === 1)
  await enter(port, 'crash')
  const [chat, completions, message, responses] = await Promise.all(answers)
  const tail = (body = '', count: number) => streamShape(body).slice(-count)
  const chatDeath = recordedDeath('chat')
  assert.ok(chat?.body.endsWith(chatDeath.slice(chatDeath.indexOf('data: {"error'))))
  assert.deepEqual(tail(chat?.body, 3), streamShape(recordedDeath('chat')))
  assert.deepEqual(tail(completions?.body, 3), streamShape(recordedDeath('completions')))
  const death = recordedDeath('messages')
  assert.ok(message?.body.endsWith(death.slice(death.indexOf('event: error'))))
  assert.deepEqual([chat?.end, completions?.end, message?.end], ['clean', 'clean', 'clean'])
  assert.equal(responses?.end, 'broken')
  assert.match(responses?.body ?? '', /event: response\.output_text\.delta\ndata: .*\n\n$/)
  const whole = await queued
  assert.equal(whole.status, 500)
  assert.equal(whole.body, recordedDeath('completions-nonstream').trim())
  // For a while only the calls know.
  assert.deepEqual(
    [(await ask(port, { path, body: stream })).status, await health(port)],
    [500, 200],
  )
  manual.advance(300)
  assert.equal(await health(port), 503)
  assert.deepEqual(kills, [])
  manual.advance(2_700)
  assert.deepEqual(kills, ['killed'])
})

test('a kill cuts every connection, and none is taken after it', async (context) => {
  const replica = await tiny(context, { tokenMs: 60_000 })
  const live = await open(replica.port, { path, body: stream })
  await readUntil(live, '"This"')
  const broken = textOf(live)
  replica.enter('kill')
  await assert.rejects(broken, { code: 'ECONNRESET' })
  assert.deepEqual(
    [await ask(replica.port, { path: '/health' })].map(({ status, code }) => [status, code]),
    [[0, 'ECONNREFUSED']],
  )
})

test('a replica at half its speed takes twice as long for a step', async (context) => {
  const manual = manualClock()
  const replica = await tiny(context, { clock: replicaClock(manual), tokenMs: 10 })
  await open(replica.port, { path, body: { ...stream, max_tokens: 100 } })
  await until(() => replica.gauges().waiting === 1)
  manual.advance(100)
  assert.equal(replica.gauges().generationTokens, 11)
  await enter(replica.port, 'speed=0.5')
  // The step under way goes on as it began.
  manual.advance(110)
  assert.equal(replica.gauges().generationTokens, 17)
  await enter(replica.port, 'well')
  manual.advance(20)
  manual.advance(100)
  assert.equal(replica.gauges().generationTokens, 28)
})

test('a scrape hangs, or is garbage, and all else goes on', async (context) => {
  const { port } = await tiny(context)
  await enter(port, 'scrape=garbage')
  assert.equal((await ask(port, { path: '/metrics' })).body, '<html>garbage</html>')
  await enter(port, 'scrape=hang')
  const hung = ask(port, { path: '/metrics' })
  assert.equal((await ask(port, { path, body: unary })).status, 200)
  await enter(port, 'well')
  assert.match((await ask(port, { path: '/metrics' })).body, /^# HELP vllm:/)
  // It hangs until its server ends: nothing else does.
  hung.catch(() => undefined)
})

test('what is no condition is none', async (context) => {
  const replica = await tiny(context)
  for (const text of ['', 'speed', 'speed=0', 'speed=-1', 'scrape', 'asleep=3', 'constructor']) {
    assert.equal(replica.enter(text), false, text)
  }
})
