import type { EncodingName } from '#shared/tokens/vocabulary/table.ts'

const modules = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
  o200k_harmony: () => import('gpt-tokenizer/encoding/o200k_harmony'),
}

export interface Oracle {
  /** Special tokens in `text` are text. */
  encode(text: string): number[]
  count(text: string): number
  /** Forgets the words it has met: with 100,000 of them it is slow. */
  clear(): void
}

/** The same encoding by the package gpt-tokenizer. */
export async function oracle(name: EncodingName): Promise<Oracle> {
  const { encode, countTokens, clearMergeCache } = await modules[name]()
  const asText = { disallowedSpecial: new Set<string>() }
  return {
    encode: (text) => encode(text, asText),
    count: (text) => countTokens(text, asText),
    clear: clearMergeCache,
  }
}
