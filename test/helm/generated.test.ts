import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { chart, generatedFiles } from '#deploy/helm/generate.ts'

for (const { path, text } of generatedFiles()) {
  test(`the chart's ${path} is the generated one (UPDATE=1 writes it)`, () => {
    const file = join(chart, path)
    if (process.env['UPDATE'] === '1') writeFileSync(file, text)
    assert.equal(readFileSync(file, 'utf8'), text)
  })
}
