import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { differences, shown } from '#deploy/cli/config/differences.ts'
import { platformText } from './healthy-cluster.ts'
import { runCli } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'outrigger-config-'))
after(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('a valid configuration is said to be', async () => {
  const { exit, out } = await runCli(['config', 'check', '-'], { input: platformText })
  assert.deepEqual({ exit, out }, { exit: 0, out: 'standard input is valid.\n' })
})

test('every problem is told at once, with its line', async () => {
  const bad = platformText.replace('kind: openai', 'kind: opena').concat('modles: {}\n')
  const { exit, out } = await runCli(['config', 'check', '-'], { input: bad })
  assert.equal(exit, 1)
  assert.match(out, /^standard input: \d problems\nLINE {2}KEY/)
  assert.match(out, /^\d+ +providers\.openai\.kind +.*did you mean 'openai'\?/m)
  assert.match(out, /^\d+ +modles +.*did you mean 'models'\?/m)
})

test('what would be ignored of a tenant is named', async () => {
  const platform = file('platform.yaml', platformText)
  const tenant = file('tenant.yaml', 'sidecar:\n  deadline: 20s\nproviders: {}\n')
  const { exit, out } = await runCli(['config', 'check', platform, '--tenant', tenant])
  assert.equal(exit, 1)
  assert.match(out, /1 ignored key\nLINE {2}KEY +PROBLEM\n +providers +is not for a tenant to set/)
  const { out: json } = await runCli([
    'config',
    'check',
    platform,
    '--tenant',
    tenant,
    '-o',
    'json',
  ])
  assert.deepEqual(JSON.parse(json), {
    isValid: true,
    problems: [],
    ignored: [{ path: 'providers', message: 'is not for a tenant to set' }],
  })
})

test('differences are told key by key', () => {
  const found = differences('a: {b: 1, c: [1]}\nd: 2\n', 'a: {b: 2, c: [1]}\n"x.y": 3\n')
  assert.deepEqual(found, [
    { path: 'a.b', from: 1, to: 2 },
    { path: '["x.y"]', from: undefined, to: 3 },
    { path: 'd', from: 2, to: undefined },
  ])
  assert.equal(shown(undefined), '(absent)')
  assert.equal(shown('x'.repeat(80)).length, 60)
})
