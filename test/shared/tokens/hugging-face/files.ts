import { toAlphabet } from '#shared/tokens/hugging-face/byte-alphabet.ts'
import { byteSymbols, corpus, fallbackTokens, train } from './train.ts'

export type File = Record<string, unknown>

const llama3 = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
const qwen = llama3.replace('{1,3}', '')
const nemo = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`

const words = corpus.flatMap(
  (text) => text.match(/ ?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+/gu) ?? [],
)
const bytes = train(words.map(toAlphabet), 600, byteSymbols)
const marked = corpus.map((text) => `▁${text.replaceAll(' ', '▁')}`)
const characters = train(marked, 500, ['<unk>', '<s>', '</s>', ...fallbackTokens])
const few = train(['the▁lazy▁dogs▁the▁dogs'], 8, ['<unk>', '▁'])

/** A file as published ones are: what the oracle asks for and what it does not. */
export function fileOf(parts: File): File {
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...parts,
  }
}

export function bytesOf(file: File): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(file))
}

export function added(content: string, id: number, parts: File = {}): File {
  const rest = {
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: false,
  }
  return { id, content, ...rest, ...parts }
}

function regexThenBytes(pattern: string): File {
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  }
}

const bytePairs = { type: 'BPE', dropout: null, unk_token: null, fuse_unk: false, ...bytes }
const llamaPairs = {
  type: 'BPE',
  unk_token: '<unk>',
  fuse_unk: true,
  byte_fallback: true,
  ...characters,
}
const eot = added('<|eot|>', 5000, { special: true })

/** The published shapes, over vocabularies trained here. */
export const shapes: Record<string, File> = {
  'Llama 3': fileOf({
    added_tokens: [eot],
    pre_tokenizer: regexThenBytes(llama3),
    model: {
      ...bytePairs,
      ignore_merges: true,
      merges: bytes.merges.map((pair) => pair.join(' ')),
    },
  }),
  Qwen: fileOf({
    added_tokens: [eot, added('<think>', 5001)],
    normalizer: { type: 'NFC' },
    pre_tokenizer: regexThenBytes(qwen),
    model: bytePairs,
  }),
  'Mistral Nemo': fileOf({ pre_tokenizer: regexThenBytes(nemo), model: bytePairs }),
  'GPT-2': fileOf({
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: bytePairs,
  }),
  'Llama 2': fileOf({
    added_tokens: [added('<s>', 1, { special: true })],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    model: llamaPairs,
  }),
  'Mistral 3': fileOf({
    added_tokens: [added('[INST]', 5000, { special: true })],
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false },
    model: llamaPairs,
  }),
  Gemma: fileOf({
    added_tokens: [added('\n\n', 5000), added('<table>', 5001)],
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: {
      type: 'Split',
      pattern: { String: ' ' },
      behavior: 'MergedWithPrevious',
      invert: false,
    },
    model: llamaPairs,
  }),
}

/** A vocabulary without most characters. */
export const sparse = { type: 'BPE', unk_token: '<unk>', fuse_unk: true, ...few }
export const bytePairModel = bytePairs
