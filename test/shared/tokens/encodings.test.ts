import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { Encodings } from '#shared/tokens/encodings.ts'
import { writeTokenizerTable } from '#shared/tokens/hugging-face/load-tokenizer.ts'
import { bytesOf, shapes } from './hugging-face/files.ts'

const llama = bytesOf(shapes['Llama 3'] ?? {})
const qwen = bytesOf(shapes['Qwen'] ?? {})

let folder = ''
let missing: string[] = []
let encodings = new Encodings(() => {})

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrigger-encodings-'))
  await writeFile(join(folder, 'source.json'), llama)
  await writeTokenizerTable(join(folder, 'source.json'), join(folder, 'llama.bin'))
  await writeFile(join(folder, 'source.json'), qwen)
  await writeTokenizerTable(join(folder, 'source.json'), join(folder, 'qwen.bin'))
})
after(() => rm(folder, { recursive: true }))
beforeEach(() => {
  missing = []
  encodings = new Encodings((file, error) => missing.push(`${file}: ${String(error)}`), folder)
})

/** The name of what counts for a model, once it is loaded. */
async function nameOf(model: string, file?: string): Promise<string | undefined> {
  const found = encodings.find(model, file)
  if (!(found instanceof Promise)) return found?.name
  await found
  return nameOf(model, file)
}

test('a file goes before the name of the model, which goes for any other file', async () => {
  void encodings.retain(['llama.bin'])
  assert.match((await nameOf('gpt-4o', 'llama.bin')) ?? '', /^tokenizer-/)
  assert.equal(await nameOf('gpt-4o'), 'o200k_base')
  assert.equal(await nameOf('gpt-4o', 'qwen.bin'), 'o200k_base')
  assert.equal(await nameOf('llama-3-8b', 'qwen.bin'), undefined)
  assert.deepEqual(missing, [])
})

test('a tokenizer.json and its table count alike', async () => {
  await writeFile(join(folder, 'llama.json'), llama)
  await encodings.retain(['llama.json', 'llama.bin'])
  const name = await nameOf('llama', 'llama.json')
  assert.ok(name !== undefined)
  assert.equal(await nameOf('llama', 'llama.bin'), name)
})

test('two that ask at once wait for one load, and find one tokenizer', async () => {
  void encodings.retain(['llama.bin'])
  const first = encodings.find('llama', 'llama.bin')
  const second = encodings.find('llama', 'llama.bin')
  assert.ok(first instanceof Promise)
  assert.equal(first, second)
  await first
  const found = encodings.find('llama', 'llama.bin')
  assert.ok(found !== undefined && !(found instanceof Promise))
  // Unchanged: neither read again nor waited for.
  const again = encodings.retain(['llama.bin', 'llama.bin'])
  assert.equal(encodings.find('llama', 'llama.bin'), found)
  await again
  assert.equal(encodings.find('llama', 'llama.bin'), found)
})

test('a file that cannot be read is told once with the reason and tried with the next configuration', async () => {
  const path = join(folder, 'late.json')
  await writeFile(path, '{"model": {"type": "Unigram"}}')
  await encodings.retain(['late.json', 'nowhere.json'])
  assert.equal(await nameOf('gpt-4o', 'late.json'), undefined)
  assert.equal(await nameOf('gpt-4o', 'nowhere.json'), undefined)
  assert.equal(missing.length, 2)
  assert.match(missing[0] ?? '', /^late\.json: .*model\.type is "Unigram"/)
  assert.match(missing[1] ?? '', /^nowhere\.json: .*does not exist/)
  await writeFile(path, llama)
  await encodings.retain(['late.json'])
  assert.match((await nameOf('gpt-4o', 'late.json')) ?? '', /^tokenizer-/)
  assert.equal(missing.length, 2)
})

test('a file that changed is loaded anew while the one before counts on', async () => {
  const path = join(folder, 'changing.json')
  await writeFile(path, llama)
  await encodings.retain(['changing.json'])
  const before = encodings.find('llama', 'changing.json')
  await writeFile(path, qwen)
  const loading = encodings.retain(['changing.json'])
  assert.equal(encodings.find('llama', 'changing.json'), before)
  await loading
  const changed = await nameOf('llama', 'changing.json')
  assert.equal(changed, await loadedName('qwen.bin'))
  // And one that was spoiled or removed leaves what was loaded last.
  await writeFile(path, '{')
  await encodings.retain(['changing.json'])
  assert.equal(await nameOf('llama', 'changing.json'), changed)
  await rm(path)
  await encodings.retain(['changing.json'])
  assert.equal(await nameOf('llama', 'changing.json'), changed)
  assert.equal(missing.length, 2)
})

async function loadedName(file: string): Promise<string | undefined> {
  const own = new Encodings(() => {}, folder)
  await own.retain([file])
  const found = own.find('', file)
  return found instanceof Promise ? undefined : found?.name
}

test('a file that is no longer named is dropped, also while it is loaded', async () => {
  const loading = encodings.retain(['llama.bin', 'nowhere.json'])
  await encodings.retain(['qwen.bin'])
  await loading
  assert.equal(encodings.find('llama', 'llama.bin'), undefined)
  assert.match((await nameOf('qwen', 'qwen.bin')) ?? '', /^tokenizer-/)
  assert.deepEqual(missing, [])
})

test('beyond eight files there are no more', async () => {
  const files = Array.from({ length: 10 }, (_, at) => `${'./'.repeat(at)}llama.bin`)
  await encodings.retain(files)
  assert.deepEqual(
    missing,
    files.slice(8).map((file) => `${file}: Error: Cannot load more than 8 tokenizers`),
  )
  assert.match((await nameOf('gpt-4o', files[7])) ?? '', /^tokenizer-/)
  assert.equal(await nameOf('gpt-4o', files[8]), undefined)
})
