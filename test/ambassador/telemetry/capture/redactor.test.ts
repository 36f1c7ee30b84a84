import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Redactor, redacted } from '#ambassador/telemetry/capture/redactor.ts'

const plain = new Redactor({ keys: [], patterns: [] })

test('what opens doors or names a person is left out of any text', () => {
  const secrets = [
    'sk-proj-abcdefghijklmnop',
    'sk-ant-api03-AAAABBBBCCCC',
    'Bearer abc.def-ghi',
    'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
    'AKIAIOSFODNN7EXAMPLE',
    'ada.lovelace@example.org',
    '4111 1111 1111 1111',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----\nMIIE and no end',
  ]
  for (const secret of secrets) {
    const text = plain.text(`before ${secret}`)
    assert.equal(text, `before ${redacted}`, secret)
  }
})

test('what only looks like it stays', () => {
  for (const text of ['1234 5678 9012 3456', 'a task-force', 'see section @ 3', 'bearer of news']) {
    assert.equal(plain.text(text), text)
  }
})

test('a tenant’s own patterns are words with signs', () => {
  const own = new Redactor({ keys: [], patterns: ['ACC-####', 'Project *', 'a.b'] })
  assert.equal(own.text('acc-1234, ACC-12'), `${redacted}, ACC-12`)
  assert.equal(own.text('Project Tulip-7 is late'), `${redacted} is late`)
  assert.equal(own.text('axb a.b'), `axb ${redacted}`)
})

test('members are left out by their name, whatever its case, also in JSON within a string', () => {
  const own = new Redactor({ keys: ['iban'], patterns: [] })
  const value = { user: { 'API-Key': 'x', IBAN: { of: 1 } }, list: ['{"password":"x","n":1}'] }
  assert.deepEqual(own.value(value), {
    user: { 'API-Key': redacted, IBAN: redacted },
    list: [{ password: redacted, n: 1 }],
  })
})

test('no secret escapes, wherever in a value it stands', () => {
  const secret = 'sk-canary-0123456789'
  const leaf = fc.oneof(
    fc.string(),
    fc.constant(secret),
    fc.string().map((text) => `${text} ${secret}`),
  )
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('any')), fc.dictionary(leaf, tie('any'))),
  })).any
  fc.assert(
    fc.property(value, (given) => {
      assert.ok(!JSON.stringify(plain.value(given)).includes(secret))
    }),
  )
})

test('no text takes longer than its length allows', () => {
  const own = new Redactor({ keys: [], patterns: ['a@@@*a'] })
  const worst = [
    'a',
    'eyJ-',
    '@.',
    '1 ',
    'Bearer ',
    '-----BEGIN PRIVATE KEY-----',
    'a.',
    'sk-',
    '{[',
  ]
  for (const piece of worst) {
    const before = process.cpuUsage()
    own.text(piece.repeat(70_000 / piece.length))
    const { user } = process.cpuUsage(before)
    assert.ok(user < 10e6, `${piece}: ${user} µs`)
  }
})
