import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import { allTargets } from '#shared/config/target-schema.ts'

const provider = { kind: 'openai-compatible', baseUrl: 'http://localhost/v1' }

function load(models: object) {
  return parseConfig(JSON.stringify({ models, providers: { a: provider, b: provider } }), 'test')
}

/** The one model `x`. */
function modelOf(x: object) {
  const loaded = load({ x })
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const model = loaded.config.models['x']
  assert.ok(model !== undefined)
  return model
}

/** What is wrong with the one model `x`: `path message`. */
function problems(x: object): string[] {
  const loaded = load({ x })
  assert.ok(!loaded.ok)
  return loaded.problems.map(({ path, message, suggestion }) =>
    [path, message, suggestion].filter((part) => part !== undefined).join(' '),
  )
}

const a = { provider: 'a', model: 'one' }
const b = { provider: 'b', model: 'two' }
const plain = {
  contextWindow: undefined,
  tokenizer: undefined,
  capabilities: undefined,
  outputMax: undefined,
  weight: 1,
  cost: 0,
}

test('a target alone is a group of one', () => {
  const full = {
    contextWindow: 8_192,
    tokenizer: 'tokenizer.json',
    capabilities: ['tools', 'images'],
    outputMax: 100,
    weight: 3,
    cost: 0.25,
  }
  assert.deepEqual(modelOf({ targets: [a, { ...b, ...full }] }).targets, [
    { choose: 'only', targets: [{ ...a, ...plain }], isSticky: false },
    { choose: 'only', targets: [{ ...b, ...full }], isSticky: false },
  ])
})

for (const choose of ['split', 'leastBusy', 'fastest', 'cheapest'] as const) {
  test(`${choose} is a group of targets, each with keys of its own`, () => {
    const [entry] = modelOf({ targets: [{ [choose]: [{ ...a, weight: 9, cost: 2 }, b] }] }).targets
    assert.ok(entry?.choose === choose)
    assert.equal(entry.isSticky, false)
    assert.deepEqual(
      entry.targets.map(({ provider, weight, cost }) => [provider, weight, cost]),
      [
        ['a', 9, 2],
        ['b', 1, 0],
      ],
    )
  })
}

test('a split may be sticky by session', () => {
  const [entry] = modelOf({ targets: [{ split: [a, b], sticky: 'session' }] }).targets
  assert.ok(entry?.choose === 'split')
  assert.equal(entry.isSticky, true)
})

test('a chain may end in words for the caller', () => {
  const { targets } = modelOf({ targets: [a, { refuse: 'Try again in an hour' }] })
  assert.deepEqual(targets[1], { choose: 'refuse', words: 'Try again in an hour' })
})

const right = 'must have exactly one of provider, split, leastBusy, fastest, cheapest, refuse'

test('a step has exactly one form', () => {
  for (const step of [{}, { split: [a], cheapest: [b] }, { ...a, refuse: 'x' }, { weight: 3 }]) {
    assert.deepEqual(problems({ targets: [a, step] }), [`models.x.targets[1] ${right}`])
  }
})

test('a target has a provider and a model together', () => {
  assert.deepEqual(problems({ targets: [{ provider: 'a' }] }), [
    'models.x.targets[0].model is required beside provider',
  ])
  // Without a provider it has no form either.
  assert.deepEqual(problems({ targets: [{ model: 'one' }] }), [
    `models.x.targets[0] ${right}`,
    'models.x.targets[0].provider is required beside model',
  ])
})

test('a model needs a target, and has 16 steps of 16 targets at most', () => {
  const many = Array.from({ length: 17 }, () => a)
  assert.deepEqual(problems({}), ['models.x.targets is required'])
  assert.deepEqual(problems({ targets: [] }), ['models.x.targets must name at least one target'])
  assert.deepEqual(problems({ targets: many }), ['models.x.targets must name at most 16 targets'])
  const split = 'models.x.targets[0].split must name at'
  assert.deepEqual(problems({ targets: [{ split: [] }] }), [`${split} least one target`])
  assert.deepEqual(problems({ targets: [{ split: many }] }), [`${split} most 16 targets`])
})

test('values inside of a group are reported where they stand', () => {
  const split = [a, { ...b, weight: -1, cost: -0.5, contextWindow: 0, capabilities: ['tool'] }]
  const at = 'models.x.targets[0].split[1]'
  assert.deepEqual(problems({ targets: [{ split }] }).toSorted(), [
    `${at}.capabilities[0] must be one of tools, images, audio, documents, json-schema, not "tool" tools`,
    `${at}.contextWindow must be at least 1`,
    `${at}.cost must be at least 0`,
    `${at}.weight must be at least 0`,
  ])
})

test('unknown keys are reported where they stand, in a target, a group, a rule and its chain', () => {
  const rules = [{ when: { klass: 'batch' }, targets: [{ split: [{ ...a, wieght: 2 }] }] }]
  const targets = [
    { ...a, contextwindow: 5 },
    { leastBusy: [{ ...a, costs: 5 }], stick: 'session' },
  ]
  const found = problems({ rules, targets, fallback: { om: [] }, rule: [] })
  const paths = found.map((problem) => problem.slice(0, problem.indexOf(' '))).toSorted()
  assert.deepEqual(paths, [
    'models.x.fallback.om',
    'models.x.rule',
    'models.x.rules[0].targets[0].split[0].wieght',
    'models.x.rules[0].when.klass',
    'models.x.targets[0].contextwindow',
    'models.x.targets[1].leastBusy[0].costs',
    'models.x.targets[1].stick',
  ])
  assert.ok(found.includes('models.x.targets[0].contextwindow is not a known key contextWindow'))
})

test('a provider that is not there is reported inside of groups and of rules', () => {
  const gone = { provider: 'c', model: 'x' }
  const rules = [{ when: {}, targets: [gone] }]
  const paths = problems({ rules, targets: [a, { fastest: [b, gone] }] }).map((problem) =>
    problem.replace(/ must be a name under providers, which has a, b; not "c".*/, ''),
  )
  assert.deepEqual(paths.toSorted(), [
    'models.x.rules[0].targets[0].provider',
    'models.x.targets[1].fastest[1].provider',
  ])
})

test('a model that is refused hides no mistake of another one', () => {
  const loaded = load({
    bad: { targets: [{}] },
    other: { targets: [{ provider: 'c', model: 'x' }] },
  })
  assert.ok(!loaded.ok)
  assert.deepEqual(
    loaded.problems.map(({ path }) => path),
    ['models.bad.targets[0]', 'models.other.targets[0].provider'],
  )
})

test('a rule names headers in lower case, a class, needs and a number of tokens', () => {
  const when = {
    headers: { 'x-team': 'search', 'x-any': '*' },
    class: 'batch',
    needs: ['images'],
    tokensOver: 100_000,
  }
  assert.deepEqual(modelOf({ rules: [{ when, targets: [b] }], targets: [a] }).rules[0]?.when, when)
  const wrong = { headers: { 'X-Team': 'x' }, class: 'Bulk', needs: ['sound'], tokensOver: 0 }
  const paths = problems({ rules: [{ when: wrong, targets: [b] }], targets: [a] }).map((problem) =>
    problem.slice(0, problem.indexOf(' ')),
  )
  assert.deepEqual(paths.toSorted(), [
    'models.x.rules[0].when.class',
    'models.x.rules[0].when.headers.X-Team',
    'models.x.rules[0].when.needs[0]',
    'models.x.rules[0].when.tokensOver',
  ])
})

test('a call goes on for everything but a filter, within a minute, also where it may bill twice', () => {
  assert.deepEqual(modelOf({ targets: [a] }).fallback, {
    on: ['unavailable', 'rate-limited', 'timeout', 'context-window'],
    within: 60_000,
    unknown: 'next',
  })
  const own = { on: ['content-filter'], within: '20s', unknown: 'leave' }
  assert.deepEqual(modelOf({ targets: [a], fallback: own }).fallback, { ...own, within: 20_000 })
})

test('two models do not share their defaults', () => {
  const loaded = load({ x: { targets: [a] }, y: { targets: [a] } })
  assert.ok(loaded.ok)
  const { x, y } = loaded.config.models
  assert.notEqual(x?.fallback.on, y?.fallback.on)
})

test('all targets of a model are those of its chain and of its rules, in groups or alone', () => {
  const rules = [{ when: {}, targets: [{ cheapest: [a, b] }, { refuse: 'x' }] }]
  const model = modelOf({ rules, targets: [b, { split: [a] }] })
  assert.deepEqual(
    allTargets(model).map((target) => target.provider),
    ['b', 'a', 'a', 'b'],
  )
})
