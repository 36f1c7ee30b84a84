import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { AtomicWriter } from '../node/atomic-writer.ts'

const root = mkdtempSync(join(tmpdir(), 'outrigger-volumes-'))
after(() => rmSync(root, { recursive: true }))

const files = fc.dictionary(fc.constantFrom('a', 'b.yaml', 'ca.crt'), fc.string())

test('after each version a volume has its files, by links, and nothing of those before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(files, { minLength: 1, maxLength: 5 }), async (versions) => {
      const directory = mkdtempSync(join(root, 'volume-'))
      const writer = new AtomicWriter(directory)
      for (const version of versions) {
        const payload = Object.entries(version).map(
          ([name, text]) => [name, { text, mode: 0o640 }] as const,
        )
        await writer.write(new Map(payload))
        const names = readdirSync(directory)
        const visible = names.filter((name) => !name.startsWith('..'))
        assert.deepEqual(visible.toSorted(), Object.keys(version).toSorted())
        assert.deepEqual(
          names.filter((name) => name.startsWith('..')).toSorted(),
          ['..data', readlinkSync(join(directory, '..data'))].toSorted(),
        )
        for (const [name, text] of Object.entries(version)) {
          assert.equal(readlinkSync(join(directory, name)), `..data/${name}`)
          assert.equal(readFileSync(join(directory, name), 'utf8'), text)
          assert.equal(statSync(join(directory, name)).mode & 0o777, 0o640)
        }
      }
    }),
    { numRuns: 50 },
  )
})
