import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Lexicon } from '#shared/tokens/lexicon.ts'
import { findTable, writeTable } from '#shared/tokens/vocabulary/find-table.ts'
import { noRank, tableFile, viewTable } from '#shared/tokens/vocabulary/table.ts'
import { publishedRanks } from './published.ts'

for (const name of ['o200k_base', 'cl100k_base'] as const) {
  test(`the table of ${name} has every published token under its rank and nothing else`, async () => {
    const table = await findTable(name)
    const ranks = await publishedRanks(name)
    const lexicon = new Lexicon(table, new Uint8Array(0))
    const rankOf = (bytes: string) => {
      lexicon.bytes = Buffer.from(bytes, 'latin1')
      return lexicon.whole(0, lexicon.bytes.length)
    }
    for (const [token, rank] of ranks) {
      if (rankOf(token) !== rank) assert.equal(rankOf(token), rank, token)
      const longer = `${token}\xff`
      const wanted = ranks.get(longer) ?? noRank
      if (rankOf(longer) !== wanted) assert.equal(rankOf(longer), wanted, longer)
    }
    assert.equal(table.offsets.length, ranks.size + 1)
  })
}

test('a table is written whole and alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-tokens-'))
  try {
    const path = await writeTable('cl100k_base', folder)
    assert.deepEqual(await readdir(folder), [tableFile('cl100k_base')])
    const { buffer } = await readFile(path)
    assert.deepEqual(viewTable(buffer), await findTable('cl100k_base'))
    assert.equal(viewTable(buffer.slice(0, -1)), undefined)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('bytes that are no table are refused', () => {
  assert.equal(viewTable(new ArrayBuffer(0)), undefined)
  assert.equal(viewTable(new ArrayBuffer(1_024)), undefined)
})
