import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallError } from '#shared/errors/call-error.ts'
import type { Link, SidecarCall } from '../../../sidecar/call.ts'
import { route } from '../../../sidecar/route/route.ts'
import { Signals } from '../../../sidecar/route/signals.ts'
import { answered, membersOf, requestOf } from '../sidecar-call.ts'
import { callUnder, configWith, silent, Table } from './models.ts'

interface Given {
  readonly targets: readonly object[]
  readonly rules?: readonly object[]
  readonly body?: object
  readonly headers?: readonly string[]
  readonly surface?: SidecarCall['surface']
  readonly asked?: string
}

async function routed({ targets, rules = [], ...given }: Given): Promise<SidecarCall> {
  const context = callUnder(configWith({ x: { rules, targets }, assistant: { targets } }))
  context.modelAsked = given.asked ?? 'x'
  if (given.surface !== undefined) context.surface = given.surface
  const parts = { signals: new Signals(), counter: new Table(), log: () => silent }
  const layer = route(parts)(() => Promise.resolve(answered(200)))
  const request = requestOf(JSON.stringify(given.body ?? {}), given.headers)
  context.members = membersOf(request.body)
  await layer(request, context)
  return context
}

const shown = ({ chain }: SidecarCall) =>
  chain.map((link: Link) => ('refuse' in link ? `! ${link.refuse}` : link.provider)).join(' ')
const at = (provider: string, more: object = {}) => ({ provider, model: 'x', ...more })

const tools = { tools: [{ type: 'function' }] }
const count = { path: '/v1/messages/count_tokens', dialect: 'messages', wants: 'count' } as const

test('a chain is the targets in their order, with the words of its end', async () => {
  const context = await routed({ targets: [at('a'), at('b'), { refuse: 'later' }] })
  assert.equal(shown(context), 'a b ! later')
  assert.equal(context.route, context.chain[0])
})

test('a route has the addresses, the window, the tokenizer and the cap of its target', async () => {
  const own = { contextWindow: 10, tokenizer: 'x/tokenizer.json', outputMax: 5 }
  const context = await routed({ targets: [at('b', own)] })
  assert.deepEqual(context.route, { provider: 'b', model: 'x', addresses: ['127.0.0.1:2'], ...own })
})

test('a group gives its chosen one first and the others behind it', async () => {
  const context = await routed({
    targets: [{ cheapest: [at('a', { cost: 2 }), at('b', { cost: 1 })] }, at('c')],
  })
  assert.equal(shown(context), 'b a c')
})

test('settings for fallback are those of the model', async () => {
  const context = await routed({ targets: [at('a')] })
  assert.deepEqual(context.fallback, {
    on: ['unavailable', 'rate-limited', 'timeout', 'context-window'],
    within: 60_000,
    unknown: 'next',
  })
})

test('targets of another dialect are left out', async () => {
  assert.equal(shown(await routed({ targets: [at('m'), at('a')] })), 'a')
})

test('targets that lack what the question needs are left out', async () => {
  const targets = [
    at('a', { capabilities: ['images'] }),
    at('b', { capabilities: ['tools'] }),
    at('c'),
  ]
  assert.equal(shown(await routed({ targets, body: tools })), 'b c')
  assert.equal(shown(await routed({ targets })), 'a b c')
})

test('a target of weight 0 takes no call of its split, not even as a reserve', async () => {
  const split = [at('a', { weight: 0 }), at('b')]
  assert.equal(shown(await routed({ targets: [{ split }] })), 'b')
  // The same where it is all that the question leaves.
  const able = [at('a', { weight: 0 }), at('b', { capabilities: [] })]
  await assert.rejects(routed({ targets: [{ split: able }], body: tools }), {
    code: 'capability-missing',
  })
})

test('a question that nobody can take is told what is missing, also in front of a refusal', async () => {
  const targets = [at('a', { capabilities: ['images'] }), { refuse: 'later' }]
  await assert.rejects(routed({ targets, body: tools }), {
    code: 'capability-missing',
    message: "Cannot serve model 'x' here: no target has tools",
  })
})

test('a dialect that nobody speaks is told with those that are spoken', async () => {
  await assert.rejects(routed({ targets: [at('m'), { refuse: 'later' }] }), {
    code: 'dialect-not-spoken',
    message: "Cannot serve model 'x' here: its providers speak messages, not chat",
  })
})

test('it is the targets of the rule that fits whose dialects are told', async () => {
  const rules = [{ when: { class: 'batch' }, targets: [at('m')] }]
  const headers = ['x-outrigger-class', 'batch']
  await assert.rejects(routed({ rules, targets: [at('a')], headers }), (error: CallError) =>
    /speak messages, not chat/.test(error.message),
  )
})

test('a rule may do nothing but refuse', async () => {
  const rules = [{ when: { class: 'batch' }, targets: [{ refuse: 'no batch today' }] }]
  const headers = ['x-outrigger-class', 'batch']
  assert.equal(shown(await routed({ rules, targets: [at('a')], headers })), '! no batch today')
})

test('a question that is only counted needs nobody who would answer it', async () => {
  const lacking = [at('a', { capabilities: [] }), at('b')]
  assert.equal(shown(await routed({ targets: lacking, body: tools, surface: count })), 'a b')
  assert.equal(shown(await routed({ targets: [at('a'), at('m')], surface: count })), 'm')
})

test('an unknown model is told with the nearest name', async () => {
  await assert.rejects(routed({ targets: [at('a')], asked: 'asistant' }), {
    code: 'model-not-found',
    message: "Cannot find model 'asistant': did you mean 'assistant'?",
  })
  await assert.rejects(routed({ targets: [at('a')], asked: 'constructor' }), {
    code: 'model-not-found',
  })
})

test('looking for an order leaves no signal behind', async () => {
  const signals = new Signals()
  const context = callUnder(configWith({ x: { targets: [{ leastBusy: [at('a'), at('b')] }] } }))
  const parts = { signals, counter: new Table(), log: () => silent }
  await route(parts)(() => Promise.resolve(answered(200)))(requestOf('{}'), context)
  assert.equal(signals.size, 0)
})

test('a class that there is not is refused with those that there are', async () => {
  const headers = ['x-outrigger-class', 'bulk']
  await assert.rejects(routed({ targets: [at('a')], headers }), {
    code: 'invalid-field',
    message: "Cannot read the headers: 'x-outrigger-class' must be one of interactive, batch",
    facts: { field: 'x-outrigger-class' },
  })
})
