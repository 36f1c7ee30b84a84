import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Tiktoken } from 'tiktoken'
import { type EncodingName, vocabularyOf } from '#shared/tokens/vocabulary/table.ts'

/** What the package tiktoken has of an encoding. */
interface Published {
  readonly pat_str: string
  readonly special_tokens: Record<string, number>
  readonly bpe_ranks: string
}

/** An encoding as the installed package publishes it; o200k_harmony is o200k_base in text. */
export function installed(name: EncodingName): Published {
  const file = import.meta.resolve(`tiktoken/encoders/${vocabularyOf(name)}.json`)
  return JSON.parse(readFileSync(fileURLToPath(file), 'utf8'))
}

/** The pattern of cl100k_base in tiktoken 0.8 to 0.14: the package in WebAssembly has an older one. */
const cl100k = [
  "'(?i:[sdmt]|ll|ve|re)",
  String.raw`[^\r\n\p{L}\p{N}]?+\p{L}++`,
  String.raw`\p{N}{1,3}+`,
  String.raw` ?[^\s\p{L}\p{N}]++[\r\n]*+`,
  String.raw`\s++$`,
  String.raw`\s*[\r\n]`,
  String.raw`\s+(?!\S)`,
  String.raw`\s`,
].join('|')

/**
 * Letters, marks and digits that came with Unicode 17, which Node 26 has: for the package, with the
 * tables of Unicode 16, they are no characters.
 */
const young = new RegExp(
  [
    '[',
    String.raw`\u{88f}\u{c5c}\u{cdc}\u{1acf}-\u{1add}\u{1ae0}-\u{1aeb}\u{a7ce}-\u{a7cf}`,
    String.raw`\u{a7d2}\u{a7d4}\u{a7f1}\u{10940}-\u{10959}\u{10ec5}-\u{10ec7}`,
    String.raw`\u{10efa}-\u{10efb}\u{11b60}-\u{11b67}\u{11db0}-\u{11ddb}\u{11de0}-\u{11de9}`,
    String.raw`\u{16ea0}-\u{16eb8}\u{16ebb}-\u{16ed3}\u{16ff2}-\u{16ff6}\u{187f8}-\u{187ff}`,
    String.raw`\u{18d09}-\u{18d1e}\u{18d80}-\u{18df2}\u{1e6c0}-\u{1e6de}\u{1e6e0}-\u{1e6f5}`,
    String.raw`\u{1e6fe}-\u{1e6ff}\u{2b73a}-\u{2b73f}\u{2cea2}-\u{2cead}\u{323b0}-\u{33479}`,
    ']',
  ].join(''),
  'u',
)

/** Whether all characters of `text` are older than the tables of the package. */
export function isKnown(text: string): boolean {
  return !young.test(text)
}

/** OpenAI's own encoder, in WebAssembly. Special tokens in text are text. Takes 0.3 s. */
export function tiktoken(name: EncodingName): (text: string) => Uint32Array {
  const { bpe_ranks: ranks, special_tokens: special, pat_str: pattern } = installed(name)
  const encoder = new Tiktoken(ranks, special, name === 'cl100k_base' ? cl100k : pattern)
  return (text) => encoder.encode_ordinary(text)
}
