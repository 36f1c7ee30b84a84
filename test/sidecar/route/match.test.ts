import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InputCount } from '#shared/tokens/counter.ts'
import { misfitOf, ruleFor } from '../../../sidecar/route/match.ts'
import { membersOf, requestOf } from '../sidecar-call.ts'
import { callUnder, configWith } from './models.ts'

const own = { provider: 'a', model: 'own' }

interface Given {
  readonly when: object
  readonly targets?: readonly object[]
  readonly headers?: readonly string[]
  readonly body?: object
  readonly count?: InputCount | Promise<InputCount | undefined>
}

/** A model whose one rule leads to `targets`, looked at in one call. */
function looked({ when, targets = [{ provider: 'b', model: 'ruled' }], ...call }: Given) {
  const config = configWith({ x: { rules: [{ when, targets }], targets: [own] } })
  const model = config.models['x']
  assert.ok(model !== undefined)
  const context = callUnder(config)
  const counted: string[] = []
  const request = requestOf(JSON.stringify(call.body ?? {}), call.headers)
  context.members = membersOf(request.body)
  const seen = {
    model,
    context,
    request,
    countOf(target: { readonly model: string }) {
      counted.push(target.model)
      return call.count
    },
  }
  return { seen, counted, rule: model.rules[0], model }
}

async function misfit(given: Given): Promise<string | undefined> {
  const { seen, rule } = looked(given)
  assert.ok(rule !== undefined)
  return await misfitOf(rule, seen)
}

const exact = (tokens: number): InputCount => ({ tokens, exactness: 'exact' })

test('a rule that asks for nothing fits every call', async () => {
  assert.equal(await misfit({ when: {} }), undefined)
})

test('a header must have its value, or be there at all', async () => {
  const when = { headers: { 'x-team': 'search', 'x-trial': '*' } }
  const told = (...headers: string[]) => misfit({ when, headers })
  assert.equal(await told('x-team', 'search', 'x-trial', ''), undefined)
  assert.equal(await told('x-team', 'search'), 'there is no header x-trial')
  assert.equal(await told('x-team', 'other', 'x-trial', '1'), "the header x-team is not 'search'")
  assert.equal(await told(), 'there is no header x-team')
})

test('a tenant is matched by the header that asks for it', async () => {
  const when = { headers: { 'x-outrigger-tenant': 'team-a' } }
  assert.equal(await misfit({ when, headers: ['x-outrigger-tenant', 'team-a'] }), undefined)
})

test('a call that names no class is interactive', async () => {
  const batch = ['x-outrigger-class', 'batch']
  assert.equal(await misfit({ when: { class: 'interactive' } }), undefined)
  assert.equal(await misfit({ when: { class: 'batch' } }), 'the class is not batch')
  assert.equal(await misfit({ when: { class: 'batch' }, headers: batch }), undefined)
  assert.equal(
    await misfit({ when: { class: 'interactive' }, headers: batch }),
    'the class is not interactive',
  )
})

test('all needs of a rule must be used', async () => {
  const when = { needs: ['tools', 'images'] }
  const tools = [{ type: 'function' }]
  const messages = [{ role: 'user', content: [{ type: 'image_url' }] }]
  assert.equal(await misfit({ when, body: { tools, messages } }), undefined)
  assert.equal(await misfit({ when, body: { tools } }), 'the question does not use images')
})

test('tokens are counted by the tokenizer of the rule’s first target', async () => {
  const { seen, counted, rule } = looked({ when: { tokensOver: 100 }, count: exact(101) })
  assert.ok(rule !== undefined)
  assert.equal(await misfitOf(rule, seen), undefined)
  assert.deepEqual(counted, ['ruled'])
})

test('tokens for a rule that only refuses are counted by the model’s own first target', async () => {
  const targets = [{ refuse: 'too long for us' }]
  const { seen, counted } = looked({ when: { tokensOver: 100 }, targets, count: exact(101) })
  assert.deepEqual(await ruleFor(seen), [{ choose: 'refuse', words: 'too long for us' }])
  assert.deepEqual(counted, ['own'])
})

test('as many tokens as the rule names are not over it', async () => {
  const when = { tokensOver: 100 }
  assert.equal(
    await misfit({ when, count: exact(100) }),
    'the question has 100 tokens, not over 100',
  )
  assert.equal(await misfit({ when, count: Promise.resolve(exact(101)) }), undefined)
})

test('a count that is late leaves the estimate by bytes', async () => {
  const late = Promise.resolve(undefined)
  // Of `byBytes`, which every call of these tests begins with.
  assert.equal(
    await misfit({ when: { tokensOver: 7 }, count: late }),
    'the question has about 7 tokens, not over 7',
  )
  assert.equal(await misfit({ when: { tokensOver: 6 }, count: late }), undefined)
})

test('nothing is counted for a rule that does not fit anyway', async () => {
  const given = looked({ when: { class: 'batch', tokensOver: 1 }, count: exact(5) })
  assert.equal(await ruleFor(given.seen), given.model.targets)
  assert.deepEqual(given.counted, [])
})

test('the first rule that fits decides', async () => {
  const rules = [
    { when: { class: 'batch' }, targets: [{ provider: 'a', model: 'first' }] },
    { when: {}, targets: [{ provider: 'a', model: 'second' }] },
    { when: {}, targets: [{ provider: 'a', model: 'third' }] },
  ]
  const config = configWith({ x: { rules, targets: [own] } })
  const model = config.models['x']
  assert.ok(model !== undefined)
  const request = requestOf('{}')
  const seen = { model, request, context: callUnder(config), countOf: () => undefined }
  assert.equal(await ruleFor(seen), model.rules[1]?.targets)
})

test('a rule goes by the classes of the platform, and a call that names none is of the usual one', async () => {
  const classes = ['urgent', 'usual', 'idle']
  const under = (of: string, headers: readonly string[] = []) => {
    const { seen, model } = looked({ when: {}, headers })
    const { snapshot } = seen.context
    assert.ok(snapshot !== undefined)
    const context = {
      ...seen.context,
      snapshot: { ...snapshot, config: { ...snapshot.config, classes } },
    }
    const when = { ...model.rules[0]?.when, headers: {}, needs: [], class: of }
    return misfitOf({ when, targets: model.targets }, { ...seen, context })
  }
  assert.equal(await under('urgent'), undefined)
  assert.equal(await under('idle'), 'the class is not idle')
  assert.equal(await under('idle', ['x-outrigger-class', 'idle']), undefined)
})
