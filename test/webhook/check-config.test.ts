import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConfig } from '#deploy/webhook/check-config.ts'

function verdict(text: string, namespace: string) {
  const name = namespace === 'outrigger-system' ? 'outrigger' : 'own'
  const object = { metadata: { name }, data: { 'outrigger.yaml': text } }
  const question = { uid: 'u', namespace, operation: 'UPDATE', isDryRun: false, object }
  return checkConfig(question, 'outrigger-system')
}

test('a platform’s configuration that could not be given out is denied', () => {
  const targets = `{ provider: one, model: ${'m'.repeat(190)} }, `.repeat(16)
  const models = Array.from({ length: 200 }, (_, at) => `  m${at}: *first\n`).join('')
  const text = `providers: { one: { kind: openai, credentials: [{ name: main, secret: KEY }] } }\nmodels:\n  first: &first { targets: [${targets}] }\n${models}`
  const denied = verdict(text, 'outrigger-system')
  assert.ok(denied.kind === 'deny')
  assert.match(denied.message, /must be at most 512KiB/)
})

test('a tenant’s file above 64 KiB is let in with a warning', () => {
  assert.deepEqual(verdict(`#${'x'.repeat(2 ** 16)}\nsidecar: {}`, 'shop'), {
    kind: 'allow',
    warnings: ['Outrigger ignores the file: outrigger.yaml must be at most 64KiB'],
  })
})
