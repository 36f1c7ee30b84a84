import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import {
  allSecrets,
  ambassadorSecrets,
  readSecrets,
  sidecarSecrets,
} from '#shared/config/secrets.ts'

function configOf(credentials: string) {
  const loaded = parseConfig(`providers: { p: { kind: openai, credentials: ${credentials} } }`, 't')
  assert.ok(loaded.ok)
  return loaded.config
}

test('secrets are read by name, one trailing line break cut', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-secrets-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'key'), 'from-file\n')
  const config = configOf('[{ name: a, secret: KEY }, { name: b, secret: { file: key } }]')
  const { values, missing } = readSecrets(allSecrets(config), directory, { KEY: 'from-env' })
  assert.deepEqual(
    [...values],
    [
      ['env:KEY', 'from-env'],
      ['file:key', 'from-file'],
    ],
  )
  assert.deepEqual(missing, [])
})

test('what cannot be used is named with its reason, never thrown', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-secrets-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'large'), 'x'.repeat(70_000))
  writeFileSync(join(directory, 'two-lines'), 'a\nb\n')
  const refs = [
    'UNSET',
    'EMPTY',
    '{ file: absent }',
    '{ file: large }',
    '{ file: two-lines }',
    '{ file: . }',
  ]
  const config = configOf(
    `[${refs.map((ref, at) => `{ name: n${at}, secret: ${ref} }`).join(', ')}]`,
  )
  const { values, missing, reasons } = readSecrets(allSecrets(config), directory, { EMPTY: '\n' })
  assert.equal(values.size, 0)
  assert.deepEqual(
    [...reasons],
    [
      ['env:UNSET', 'is not set'],
      ['env:EMPTY', 'is empty'],
      ['file:absent', 'cannot be read: ENOENT'],
      ['file:large', 'is larger than 64KiB'],
      ['file:two-lines', 'has control characters'],
      ['file:.', 'is not a file'],
    ],
  )
  assert.deepEqual(missing, [...reasons.keys()].toSorted())
})

test('a half reads what it needs: no sidecar a key, no ambassador the key of another provider', () => {
  const loaded = parseConfig(
    `
sidecar: { secret: PROOF }
ambassador: { identity: { kind: shared-secret, secrets: [{ tenant: t, secret: PROOF }] } }
tenants: { t: {} }
providers:
  one: { kind: openai, credentials: [{ name: a, secret: ONE }] }
  two: { kind: openai, credentials: [{ name: a, secret: { file: two } }] }
`,
    't',
  )
  assert.ok(loaded.ok)
  assert.deepEqual(sidecarSecrets(loaded.config), ['PROOF'])
  assert.deepEqual(ambassadorSecrets('one')(loaded.config), ['PROOF', 'ONE'])
  assert.deepEqual(ambassadorSecrets('two')(loaded.config), ['PROOF', { file: 'two' }])
  assert.deepEqual(ambassadorSecrets('none')(loaded.config), ['PROOF'])
})
