import type { EncodingName } from './vocabulary/table.ts'

/**
 * Beginnings of OpenAI's model names, as in tiktoken's `model.py` and, for models after it, OpenAI's
 * announcements. A name goes on with `-`, or ends: `gpt-4` says nothing of `gpt-4.1`.
 */
const table: readonly (readonly [name: RegExp, encoding: EncodingName])[] = [
  [/^gpt-oss(?=-|$)/, 'o200k_harmony'],
  [/^(?:chatgpt-4o|gpt-4o|gpt-4\.[15]|gpt-5(?:\.\d+)?|o[134])(?=-|$)/, 'o200k_base'],
  [/^(?:gpt-4|gpt-3\.5|gpt-35|davinci-002|babbage-002)(?=-|$)/, 'cl100k_base'],
  [/^text-embedding-(?:ada-002|3-small|3-large)$/, 'cl100k_base'],
]

/**
 * The encoding of a model; undefined for one whose vocabulary is not known. A publisher before the
 * name (`openai/gpt-oss-20b`) and what is around the base of a fine-tuned one (`ft:gpt-4o:acme::1`)
 * are left out of account.
 */
export function encodingOf(model: string): EncodingName | undefined {
  const published = model.slice(model.lastIndexOf('/') + 1).toLowerCase()
  const [base = ''] = published.replace(/^ft:/, '').split(':')
  return table.find(([name]) => name.test(base))?.[1]
}
