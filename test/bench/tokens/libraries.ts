import { type EncodingName } from '#shared/tokens/vocabulary/table.ts'

/** What is measured side by side, ours first. */
export const libraryNames = [
  'Outrigger',
  'gpt-tokenizer',
  'ai-tokenizer',
  'tiktoken (WASM)',
  'js-tiktoken',
] as const
export type LibraryName = (typeof libraryNames)[number]

/** The encodings that all of them have: Outrigger alone is asked for others. */
export const sharedEncodings = ['o200k_base', 'cl100k_base'] as const
export type SharedEncoding = (typeof sharedEncodings)[number]

/** One encoding by one library. */
export interface Library {
  /** Tokens of `text`: what looks like a special token in it is text. */
  count(text: string): number
  /** Forgets the words that it has met; absent where none are kept. */
  readonly forget?: () => void
}

/** Libraries are imported when they are asked for, so that one can be had without the others. */
export const libraries: Readonly<
  Record<LibraryName, (encoding: SharedEncoding) => Promise<Library>>
> = {
  Outrigger: loadOurs,
  'gpt-tokenizer': async (encoding) => {
    const { countTokens, clearMergeCache } = await gptTokenizers[encoding]()
    const asText = { disallowedSpecial: new Set<string>() }
    return { count: (text) => countTokens(text, asText), forget: clearMergeCache }
  },
  'ai-tokenizer': async (encoding) => {
    const { Tokenizer } = await import('ai-tokenizer')
    const vocabulary = await aiTokenizers[encoding]()
    let tokenizer = new Tokenizer(vocabulary)
    const forget = () => {
      tokenizer = new Tokenizer(vocabulary)
    }
    return { count: (text) => tokenizer.encode(text, [], []).length, forget }
  },
  'tiktoken (WASM)': async (encoding) => {
    const { get_encoding: getEncoding } = await import('tiktoken')
    const tiktoken = getEncoding(encoding)
    return { count: (text) => tiktoken.encode_ordinary(text).length }
  },
  'js-tiktoken': async (encoding) => {
    const { Tiktoken } = await import('js-tiktoken/lite')
    const tiktoken = new Tiktoken((await jsTiktokens[encoding]()).default)
    return { count: (text) => tiktoken.encode(text, [], []).length }
  },
}

const gptTokenizers = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
}
const aiTokenizers = {
  o200k_base: () => import('ai-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('ai-tokenizer/encoding/cl100k_base'),
}
const jsTiktokens = {
  o200k_base: () => import('js-tiktoken/ranks/o200k_base'),
  cl100k_base: () => import('js-tiktoken/ranks/cl100k_base'),
}

/** Words that no corpus has: many for each of the 4,096 entries of our memory of words. */
const strangers = Array.from({ length: 50_000 }, (_, index) => `qx${index.toString(36)}zj`)
  .map((word) => word.replaceAll(/\d/g, (digit) => 'bcdfghjklm'[Number(digit)] ?? ''))
  .join(' ')

/** Our memory of words is emptied by filling it with others, as text would. */
export async function loadOurs(encoding: EncodingName): Promise<Library> {
  const { loadEncoding } = await import('#shared/tokens/encoding.ts')
  const { count } = await loadEncoding(encoding)
  return { count, forget: () => void count(strangers) }
}
