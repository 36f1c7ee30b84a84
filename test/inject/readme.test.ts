import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { userAnnotations } from '#deploy/inject/annotations.ts'
import { bounds } from '#deploy/inject/settings.ts'

const text = readFileSync(new URL('../../deploy/inject/README.md', import.meta.url), 'utf8')

test('the README lists every annotation that may be set, with its bounds, and no other', () => {
  const rows = [...text.matchAll(/^\| `outrigger\.dev\/([a-z-]+)` \| (.+) \|$/gm)]
  assert.deepEqual(
    rows.map(([, name]) => name),
    userAnnotations,
  )
  for (const { least, most } of Object.values(bounds)) {
    assert.ok(rows.some(([, , value]) => value === `${least} to ${most}`))
  }
})
