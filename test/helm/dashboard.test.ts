import assert from 'node:assert/strict'
import { test } from 'node:test'
import { controllerTable } from '#deploy/controller/metrics.ts'
import { dashboard } from '#deploy/helm/dashboard.ts'
import { webhookTable } from '#deploy/webhook/metrics.ts'
import { ambassadorTable } from '../../ambassador/telemetry/metrics.ts'
import { sidecarTable } from '../../sidecar/telemetry/metrics.ts'

const metrics = [ambassadorTable, sidecarTable, webhookTable, controllerTable].flatMap((table) =>
  Object.values(table).map(({ name, labels }) => ({ name, labels: new Set<string>(labels) })),
)
const text = JSON.stringify(dashboard())
const expressions = [...text.matchAll(/"expr":"((?:[^"\\]|\\.)*)"/g)].map(([, found = '']) => found)

/** `_bucket` is of the histogram before it. */
const metricOf = (word: string) =>
  metrics.find(({ name }) => name === word || `${name}_bucket` === word)

test('every metric of the dashboard is one that a process tells', () => {
  assert.ok(expressions.length > 20)
  for (const expression of expressions) {
    const words = expression.match(/\b(?:outrigger|gen_ai_client)_\w+/g) ?? []
    assert.ok(words.length > 0, expression)
    for (const word of words) assert.ok(metricOf(word), word)
  }
})

test('the dashboard groups and selects by labels that its metrics have', () => {
  for (const expression of expressions) {
    const words = expression.match(/\b(?:outrigger|gen_ai_client)_\w+/g) ?? []
    const labels = new Set(['le', ...words.flatMap((word) => [...(metricOf(word)?.labels ?? [])])])
    const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(', '),
    )
    const selected = [...expression.matchAll(/[{,](\w+)=~?/g)].map(([, label = '']) => label)
    for (const label of [...grouped, ...selected])
      assert.ok(labels.has(label), `${label}: ${expression}`)
  }
})

test('no two panels lie on each other', () => {
  const places = [...text.matchAll(/"gridPos":(\{[^}]*\})/g)].map(([, place]) => place)
  assert.equal(new Set(places).size, places.length)
})
