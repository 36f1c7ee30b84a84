import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { chart } from '#deploy/helm/generate.ts'
import { injectManifest } from '#deploy/inject/manifest.ts'
import { defaultSettings } from '#deploy/inject/settings.ts'

const settings = {
  ...defaultSettings,
  image: `registry.example.com/outrigger@sha256:${'0'.repeat(64)}`,
  kubernetesVersion: 'v1.36.3',
}

for (const file of ['deployment.yaml', 'job.yaml', 'cronjob.yaml']) {
  test(`examples/${file} is injected, without a word of warning`, () => {
    const text = readFileSync(join(chart, '..', 'examples', file), 'utf8')
    const items = parseAllDocuments(text).map((document): unknown => document.toJS())
    const list = { apiVersion: 'v1', kind: 'List', items }
    const { outcomes } = injectManifest(list, { name: 'default' }, settings)
    const results = outcomes.map(({ result }) => [
      result.kind,
      result.kind === 'patch' ? result.warnings : [],
    ])
    assert.deepEqual(results, [['patch', []]])
  })
}
