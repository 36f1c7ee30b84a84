import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments } from '#shared/lifecycle/arguments.ts'

const defaults = {
  config: '/etc/outrigger/outrigger.yaml',
  host: 'localhost',
  port: 4_000,
  probesHost: '0.0.0.0',
  probesPort: 4_001,
  adminPort: 4_002,
  provider: '',
}

test('without its words a half proves itself by no token and serves no TLS', () => {
  const { tls, token } = readArguments([], defaults)
  assert.deepEqual([tls, token], [undefined, undefined])
})

test('the places of certificate and token are taken from the command line', () => {
  const words = ['--tls', '/etc/outrigger-tls', '--token', '/var/run/secrets/outrigger/token']
  const { tls, token, port } = readArguments([...words, '--port', '4100'], defaults)
  assert.deepEqual([tls, token, port], [words[1], words[3], 4_100])
})

test('a word that is not known is refused', () => {
  assert.throws(() => readArguments(['--tsl', '/etc/outrigger-tls'], defaults), /--tsl/)
})
