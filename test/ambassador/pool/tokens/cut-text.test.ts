import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canCut, cutText } from '#ambassador/pool/tokens/cut-text.ts'
import { SegmentIds } from '#ambassador/pool/tokens/segment-ids.ts'
import { compileTokenizer } from '#shared/tokens/hugging-face/compile.ts'
import { openSegments } from '#shared/tokens/hugging-face/segments.ts'
import { viewTable } from '#shared/tokens/hugging-face/table.ts'
import { bytesOf, type File, shapes } from '../../../shared/tokens/hugging-face/files.ts'
import { anyText } from '../../../shared/tokens/hugging-face/texts.ts'
import { apartOf } from './model.ts'

function open(file: File) {
  const table = viewTable(compileTokenizer(bytesOf(file)))
  assert.ok(table !== undefined)
  return openSegments(table)
}

const long = fc
  .array(fc.tuple(anyText, fc.constantFrom('\n', '\r\n', ' \n\n', ' ', '.\n')), {
    minLength: 20,
    maxLength: 60,
  })
  .map((lines) => lines.map(([line, end]) => `${line.repeat(8)}${end}Then`).join(''))

test('chunks are the text, and those of a text that begins alike are the same', () => {
  fc.assert(
    fc.property(long, long, (text, more) => {
      const chunks = cutText(text)
      assert.equal(chunks.join(''), text)
      assert.deepEqual(cutText(text + more).slice(0, chunks.length - 1), chunks.slice(0, -1))
    }),
    { numRuns: 15 },
  )
})

const cuttable: Record<string, boolean> = {
  'Llama 3': true,
  Qwen: true,
  'Mistral Nemo': true,
  'GPT-2': false,
  'Llama 2': false,
}

for (const [name, expected] of Object.entries(cuttable)) {
  test(`${name}: texts ${expected ? 'can' : 'cannot'} be cut, and have the tokens of the whole`, async () => {
    const encoder = open(shapes[name] ?? {})
    assert.equal(canCut(encoder), expected)
    const apart = apartOf(encoder)
    await fc.assert(
      fc.asyncProperty(long, async (text) => {
        const segments = new SegmentIds({ encoder, apart, cacheBytesMax: 1_000_000 })
        const whole = Array.from(encoder.split(text)).flatMap(({ from, part }) =>
          typeof part === 'number' ? [part] : [...encoder.encode(part, from === 0)],
        )
        assert.deepEqual([...(await segments.idsOf(text))], whole)
      }),
      { numRuns: 8 },
    )
  })
}

test('of two documents that begin alike the beginning is encoded once', () => {
  const inner = open(shapes['Qwen'] ?? {})
  const texts: string[] = []
  const encode = (text: string, isStart: boolean) => {
    texts.push(text)
    return inner.encode(text, isStart)
  }
  const apart = apartOf({ encode })
  const segments = new SegmentIds({
    encoder: { ...inner, encode },
    apart,
    cacheBytesMax: 1_000_000,
  })
  const document = 'A line of a document that is long.\n'.repeat(800)
  void segments.idsOf(`${document}What is in it?`)
  texts.length = 0
  void segments.idsOf(`${document}Who wrote it?`)
  assert.ok(texts.join('').length < 8_192)
})
