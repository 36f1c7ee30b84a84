import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { ask, replicaClock, tiny, until } from './client.ts'
import { sampleText } from './sample.ts'

const path = '/v1/completions'

test('adapters are models with a parent, and answer under their name', async (context) => {
  const { port } = await tiny(context, { loras: ['sql', 'chat'] })
  const { data } = JSON.parse((await ask(port, { path: '/v1/models' })).body)
  assert.deepEqual(
    data.map(({ id, parent, max_model_len: length }: Record<string, unknown>) => [
      id,
      parent,
      length,
    ]),
    [
      ['tiny', null, 2_048],
      ['sql', 'tiny', null],
      ['chat', 'tiny', null],
    ],
  )
  const seen = await ask(port, { path, body: { model: 'sql', prompt: 'x', max_tokens: 1 } })
  assert.equal(JSON.parse(seen.body).model, 'sql')
  const tokenized = await ask(port, { path: '/tokenize', body: { model: 'sql', prompt: 'x' } })
  assert.equal(JSON.parse(tokenized.body).count, 1)
})

test('adapters are loaded and unloaded in the recorded words', async (context) => {
  const { port } = await tiny(context, { runtimeLoras: true })
  const recorded = sampleText('lora_runtime').split('\n')
  const load = async (name: string, path = '/models/lora2') => {
    const body = { lora_name: name, lora_path: path }
    const { status, body: said } = await ask(port, { path: '/v1/load_lora_adapter', body })
    return [status, said]
  }
  assert.deepEqual(await load('new'), [200, recorded[2]])
  assert.deepEqual(await load('new'), [400, recorded[5]])
  assert.deepEqual(await load('bad', '/nope'), [404, recorded[8]])
  const asked = { path, body: { model: 'new', prompt: 'x', max_tokens: 1 } }
  assert.equal((await ask(port, asked)).status, 200)
  const unload = { path: '/v1/unload_lora_adapter', body: { lora_name: 'new' } }
  const { status, body } = await ask(port, unload)
  const at = recorded.indexOf('unload')
  assert.deepEqual([status, body], [200, recorded[at + 1]])
  const gone = await ask(port, asked)
  assert.deepEqual(
    [gone.status, gone.body],
    [404, recorded[at + 4]?.replace('tiny, tiny-alias', 'tiny')],
  )
  assert.equal((await ask(port, unload)).status, 404)
})

test('without leave to load at run time the paths are not there, as recorded', async (context) => {
  const { port } = await tiny(context, { loras: ['sql'] })
  const seen = await ask(port, { path: '/v1/load_lora_adapter', body: { lora_name: 'x' } })
  const recorded = sampleText('lora_load_runtime')
  assert.equal(seen.status, 404)
  assert.ok(recorded.includes(seen.body))
})

test('the metric names running adapters in both labels and never a waiting one, and old sets stay', async (context) => {
  const manual = manualClock()
  const clock = replicaClock(manual)
  const replica = await tiny(context, { clock, tokenMs: 10, loras: ['sql', 'chat'], lorasMax: 1 })
  const { port } = replica
  const series = async () => {
    const { body } = await ask(port, { path: '/metrics' })
    return body.split('\n').filter((line) => line.startsWith('vllm:lora_requests_info{'))
  }
  const youngest = async () => {
    const sorted = (await series()).toSorted((one, other) => timeOf(one) - timeOf(other))
    return /running_lora_adapters="(.*)",waiting_lora_adapters="\1"/.exec(sorted.at(-1) ?? '')?.[1]
  }
  const timeOf = (line: string) => Number(line.slice(line.lastIndexOf(' ')))
  assert.equal(await youngest(), '')
  const asking = (model: string) => ask(port, { path, body: { model, prompt: 'x', max_tokens: 5 } })
  const sql = asking('sql')
  await until(() => replica.gauges().waiting === 1)
  manual.advance(0)
  const chat = asking('chat')
  await until(() => replica.gauges().waiting === 1)
  manual.advance(20)
  assert.equal(await youngest(), 'sql')
  manual.advance(30)
  await sql
  assert.equal(await youngest(), 'chat')
  manual.advance(100)
  await chat
  assert.equal(await youngest(), '')
  assert.equal((await series()).length, 3)
  assert.match((await series())[0] ?? '', /^vllm:lora_requests_info\{max_lora="1",running/)
})

test('the metric is absent from a server without adapters', async (context) => {
  const { port } = await tiny(context)
  assert.doesNotMatch((await ask(port, { path: '/metrics' })).body, /lora/)
})
