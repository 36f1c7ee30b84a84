import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { describeProblems, parseConfig } from '#shared/config/load.ts'
import { choices, fallbackReasons } from '#shared/config/target-schema.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const hosted = { kind: 'openai-compatible', baseUrl: 'http://localhost/v1' }

/** Holds `text`, the models of a configuration, to the schema; their providers are there. */
function assertValid(text: string): void {
  const names = [...text.matchAll(/provider: ([a-z-]+)/g)].map(([, name]) => name ?? '')
  const providers = Object.fromEntries(names.map((name) => [name, hosted]))
  const loaded = parseConfig(stringify({ ...parse(text), providers }), 'example')
  assert.ok(loaded.ok, loaded.ok ? '' : describeProblems(loaded.problems))
}

const section = /^## Routing\n[\s\S]*?(?=^## )/m.exec(read('README.md'))?.[0] ?? ''

test('the README’s example of routing is valid, and shows every form and every reason', () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
  assertValid(example)
  for (const form of [...choices, 'refuse', 'provider'])
    assert.match(example, new RegExp(`${form}:`))
  for (const reason of fallbackReasons) assert.match(section, new RegExp(`^\\| \`${reason}\``, 'm'))
})

test('the commented example of the local configuration is valid', () => {
  const lines = read('deploy/local/outrigger.yaml').split('\n')
  const start = lines.indexOf('  # resilient:')
  const end = lines.indexOf('', start)
  const example = lines.slice(start, end).map((line) => line.replace(/^ {2}# /, '  '))
  assertValid(['models:', ...example].join('\n'))
})
