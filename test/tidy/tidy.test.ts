import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cruise } from 'dependency-cruiser'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const sources = globSync('{ambassador,sidecar,shared,deploy}/**/*.ts', { cwd: root })

test('the top level holds what was agreed and nothing else', () => {
  const allowed = new Set(
    'ambassador sidecar shared deploy test package.json package-lock.json tsconfig.json README.md LICENSE CHANGELOG.md node_modules dist'.split(
      ' ',
    ),
  )
  const extra = readdirSync(root).filter((name) => !name.startsWith('.') && !allowed.has(name))
  assert.deepEqual(extra, [])
})

test('no source file is over 300 lines', () => {
  const long = sources.filter((file) => read(file).split('\n').length > 301)
  assert.deepEqual(long, [])
})

test('no half pays for the ES module faces of node:http and node:crypto', () => {
  const halves = sources.filter((file) => !file.startsWith('deploy'))
  const paying = halves.filter((file) =>
    /^import (?!type ).* from 'node:(?:http|crypto)'/m.test(read(file)),
  )
  assert.deepEqual(paying, [])
})

test('no file has a name that says nothing', () => {
  const vague = sources.filter((file) => /\/(utils?|helpers?|common|types|manager)\.ts$/.test(file))
  assert.deepEqual(vague, [])
})

test('dependency-cruiser sees the modules it judges', async () => {
  const { output } = await cruise(['ambassador', 'sidecar', 'shared'], {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  })
  assert.ok(typeof output !== 'string' && output.summary.totalCruised > sources.length / 3)
})

test('every layer of both pipelines has the reason for its position', () => {
  for (const file of ['sidecar/pipeline.ts', 'ambassador/pipeline.ts']) {
    const list = /const layers: [^\n]*= \[\n([\s\S]*?)\n  \]\n/.exec(read(file))?.[1] ?? ''
    const lines = list.split('\n')
    const layers = lines.filter((line) => /^ {4}[a-z]/.test(line))
    assert.ok(layers.length >= 5, file)
    for (const layer of layers) {
      assert.match(lines[lines.indexOf(layer) - 1] ?? '', /^ {4}\/\/ /, `${file}: ${layer}`)
    }
  }
})
