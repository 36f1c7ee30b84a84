import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rankOf, usualClass } from '#shared/config/classes.ts'
import { parseConfig } from '#shared/config/load.ts'

const own = ['urgent', 'usual', 'idle']
const replicas = { addresses: ['http://a:1'] }

function problems(
  given: object,
): [path: string, message: string, suggestion: string | undefined][] {
  const loaded = parseConfig(JSON.stringify(given), 'test')
  if (loaded.ok) return []
  return loaded.problems.map(({ path, message, suggestion }) => [path, message, suggestion])
}

test('classes are interactive and batch where none are named', () => {
  const loaded = parseConfig('{}', 'test')
  assert.ok(loaded.ok)
  assert.deepEqual(loaded.config.classes, ['interactive', 'batch'])
})

test('a class that is named is known to tenants, limits, rules, promises and queues', () => {
  const given = {
    classes: own,
    tenants: {
      team: {
        classes: ['usual', 'idle'],
        class: 'idle',
        limits: [{ requests: 1, per: 'day', classes: ['usual'] }],
      },
    },
    models: {
      x: {
        rules: [{ when: { class: 'idle' }, targets: [{ refuse: 'later' }] }],
        targets: [{ provider: 'p', model: 'x' }],
      },
    },
    providers: {
      p: {
        kind: 'vllm',
        replicas,
        dispatch: { classes: { urgent: { ttft: '1s' } } },
        queue: { idle: 5 },
      },
    },
  }
  const loaded = parseConfig(JSON.stringify(given), 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const { p } = loaded.config.providers
  assert.ok(p?.kind === 'vllm')
  assert.equal(p.dispatch.classes['urgent']?.ttft, 1_000)
  assert.equal(p.queue['idle'], 5)
})

test('a class that is none is a slip wherever it stands, and the nearest one is told', () => {
  const limits = [{ requests: 1, per: 'day', classes: ['urgent'] }]
  const dispatch = { classes: { urgnt: { ttft: '1s' } } }
  const found = problems({
    classes: own,
    models: {
      x: {
        rules: [{ when: { class: 'idel' }, targets: [{ refuse: 'later' }] }],
        targets: [{ provider: 'p', model: 'x' }],
      },
    },
    providers: { p: { kind: 'vllm', replicas, dispatch, queue: { usuall: 5, tenantPercnt: 5 } } },
    tenants: { team: { classes: ['usual', 'idl'], class: 'urgent', limits } },
  })
  assert.deepEqual(
    found.map(([path, , suggestion]) => [path, suggestion]),
    [
      ['tenants.team.classes[1]', 'idle'],
      ['tenants.team.limits[0].classes[0]', undefined],
      ['tenants.team.class', undefined],
      ['models.x.rules[0].when.class', 'idle'],
      ['providers.p.dispatch.classes.urgnt', 'urgent'],
      ['providers.p.queue.usuall', 'usual'],
      ['providers.p.queue.tenantPercnt', 'tenantPercent'],
    ],
  )
  const words = 'must be a name under classes, which has urgent, usual, idle; not "idl"'
  assert.equal(found[0]?.[1], words)
})

test('one to eight classes are named, each once, by names that may be labels', () => {
  const nine = Array.from({ length: 9 }, (_, at) => `c${at}`)
  const wrong: [unknown, string][] = [
    [[], 'must name at least one class'],
    [nine, 'must name at most 8 classes'],
    [['a', 'a'], 'must name each class once'],
    [['a', 'constructor'], 'must name no class prototype or constructor'],
  ]
  for (const [classes, message] of wrong) {
    assert.deepEqual(problems({ classes }), [['classes', message, undefined]])
  }
  assert.equal(problems({ classes: ['Batch'] })[0]?.[0], 'classes[0]')
  assert.deepEqual(problems({ classes: nine.slice(1) }), [])
})

test('of a list of classes that is refused nothing else is said', () => {
  assert.equal(
    problems({ classes: ['Batch', 'idle'], tenants: { a: { class: 'idle' } } }).length,
    1,
  )
})

test('the usual class is interactive, or the first where there is no such class', () => {
  assert.equal(usualClass(['urgent', 'interactive', 'batch']), 'interactive')
  assert.equal(usualClass(own), 'urgent')
})

test('a tenant whose classes lack the usual one says which it is', () => {
  const tenants = { team: { classes: ['idle'] } }
  assert.equal(problems({ classes: own, tenants })[0]?.[0], 'tenants.team.class')
})

test('a class that is none any more counts as the lowest', () => {
  assert.deepEqual(
    [...own, 'gone'].map((name) => rankOf(own, name)),
    [0, 1, 2, 2],
  )
})
