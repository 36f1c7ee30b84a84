import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { TokenizerFileError } from '#shared/tokens/hugging-face/field.ts'
import {
  loadTable,
  loadTokenizer,
  writeTokenizerTable,
} from '#shared/tokens/hugging-face/load-tokenizer.ts'
import { readTokenizer } from '#shared/tokens/hugging-face/read-tokenizer.ts'
import { fileBytesMax } from '#shared/tokens/hugging-face/table.ts'
import { openTokenizer } from '#shared/tokens/hugging-face/tokenizer.ts'
import { bytesOf, fileOf, shapes } from './files.ts'

const text = 'They’re lazy dogs: 1234567, 東京 <|eot|>'
const file = bytesOf(shapes['Llama 3'] ?? {})
const expected = readTokenizer(file)

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrigger-tokenizer-'))
})
after(() => rm(folder, { recursive: true }))

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

test('a tokenizer.json is compiled while other work goes on, and its table is kept', async () => {
  const cache = join(folder, 'cache')
  const path = await write('tokenizer.json', file)
  const state = { isLoaded: false }
  const loading = loadTokenizer(path, cache).finally(() => {
    state.isLoaded = true
  })
  let turns = 0
  for (; !state.isLoaded; turns++) await setImmediate()
  const loaded = await loading
  // A thread takes thousands of turns to start; what blocks this one takes a handful.
  assert.ok(turns > 20)
  assert.deepEqual(loaded.encode(text), expected.encode(text))
  assert.equal(loaded.name, expected.name)
  assert.deepEqual(await readdir(cache), [`${expected.name}.bin`])
})

test('a table is given with its bytes, from a file or as it was kept', async () => {
  const cache = join(folder, 'tables')
  const path = await write('table.json', file)
  const made = await loadTable(path, cache)
  const kept = await loadTable(path, cache)
  assert.deepEqual(kept.bytes, made.bytes)
  assert.equal(openTokenizer(kept.table).name, expected.name)
})

test('a kept table is taken for its file, and one that was cut is made anew', async () => {
  const cache = join(folder, 'cut')
  const path = await write('cut.json', file)
  const other = join(folder, 'other.json')
  await writeFile(other, bytesOf(shapes['Qwen'] ?? {}))
  // What is read is seen by its counts: the table of another file under this one's name.
  await writeTokenizerTable(other, join(cache, `${expected.name}.bin`))
  const kept = await loadTokenizer(path, cache)
  assert.notEqual(kept.name, expected.name)
  await truncate(join(cache, `${expected.name}.bin`), 1_000)
  const made = await loadTokenizer(path, cache)
  assert.equal(made.name, expected.name)
})

test('where nothing can be kept, a file is compiled all the same', async () => {
  const path = await write('unkept.json', file)
  const cache = join(await write('no-folder', ''), 'cache')
  assert.equal((await loadTokenizer(path, cache)).count(text), expected.count(text))
})

test('a table compiled ahead of time is read as its file is', async () => {
  const target = join(folder, 'ahead', 'llama.bin')
  await writeTokenizerTable(await write('ahead.json', file), target)
  const loaded = await loadTokenizer(target)
  assert.deepEqual(loaded.encode(text), expected.encode(text))
  assert.equal(loaded.name, expected.name)
  await truncate(target, 100_000)
  await assert.rejects(loadTokenizer(target), /the table is cut or of another version/)
})

test('what cannot be used is refused with the reason', async () => {
  const sparse = await write('huge.json', '{}')
  await truncate(sparse, fileBytesMax + 1)
  await mkdir(join(folder, 'directory'))
  const model = { type: 'Unigram' }
  const refused: [path: string, reason: RegExp][] = [
    [join(folder, 'nowhere.json'), /nowhere\.json": it does not exist/],
    [join(folder, 'directory'), /directory": it is no file/],
    [sparse, /67108865 bytes, more than 67108864/],
    [await write('no.json', '{'), /the file is not JSON/],
    [await write('empty.json', ''), /the file is not JSON/],
    [await write('unigram.json', JSON.stringify(fileOf({ model }))), /model\.type is "Unigram"/],
  ]
  for (const [path, message] of refused) {
    await assert.rejects(loadTokenizer(path, folder), (error) => {
      assert.ok(error instanceof TokenizerFileError)
      assert.match(error.message, message)
      return true
    })
  }
})
