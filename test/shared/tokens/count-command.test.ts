import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const command = join(import.meta.dirname, '..', '..', '..', 'deploy', 'cli', 'count.ts')
const fixture = join(import.meta.dirname, '..', '..', '..', 'LICENSE')

function count(args: readonly string[], input = '') {
  return spawnSync(process.execPath, [command, ...args], { input, encoding: 'utf8' })
}

test('standard input is counted where no file is named', () => {
  const { stdout, status } = count(['--model', 'gpt-4o'], 'Hello world')
  assert.equal(stdout, '2\n')
  assert.equal(status, 0)
})

test('each file has a line and all have a total', () => {
  const { stdout } = count(['--encoding', 'cl100k_base', fixture, fixture])
  const [one = 0, other, total] = stdout.split('\n').map((line) => Number.parseInt(line, 10))
  assert.ok(one > 1_000)
  assert.deepEqual([other, total], [one, one * 2])
})

test('a model whose encoding is not known is refused with the encodings there are', () => {
  const { stderr, status } = count(['--model', 'claude-opus-4'])
  assert.match(stderr, /'claude-opus-4' is not known, name one with --encoding/)
  assert.match(stderr, /o200k_base, cl100k_base, o200k_harmony/)
  assert.equal(status, 2)
})

test('a file that cannot be read is told and the others are counted', () => {
  const { stdout, stderr, status } = count(['--model', 'gpt-oss-20b', '/no/such/file', fixture])
  assert.match(stderr, /Cannot count '\/no\/such\/file'/)
  assert.match(stdout, /LICENSE/)
  assert.equal(status, 1)
})

test('a tokenizer.json counts as it is and as the table made of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-count-'))
  try {
    const file = join(folder, 'tokenizer.json')
    const table = join(folder, 'tokenizer.bin')
    // Bytes that merge into "ab": the smallest of its kind.
    const vocab = Object.fromEntries(['a', 'b', 'c', 'ab'].map((token, id) => [token, id]))
    await writeFile(
      file,
      JSON.stringify({
        model: { type: 'BPE', vocab, merges: ['a b'] },
        pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      }),
    )
    assert.equal(count(['--tokenizer', file], 'abc').stdout, '2\n')
    assert.equal(count(['--tokenizer', file, '--compile', table]).status, 0)
    assert.equal(count(['--tokenizer', table], 'abcab').stdout, '3\n')
    const missing = count(['--tokenizer', join(folder, 'none.json')], 'abc')
    assert.deepEqual([missing.status, missing.stdout], [1, ''])
    assert.match(missing.stderr, /Cannot use ".*none\.json"/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
