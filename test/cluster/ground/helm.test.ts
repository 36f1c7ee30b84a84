import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { helmBinary } from '../helm/helm.ts'

test('helm says the version that was asked for', async () => {
  const text = execFileSync(await helmBinary(), ['version', '--short'], { encoding: 'utf8' })
  assert.match(text, /^v4\.2\.4/)
})
