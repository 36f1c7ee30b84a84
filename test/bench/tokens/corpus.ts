import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..', '..')

/** Characters of each kind of text: enough that a cache of words does not hold all of it. */
const unitsMax = 1_000_000

export interface Corpus {
  readonly name: string
  readonly source: string
  readonly text: string
}

/** Whole files of locked packages, each content once. */
function files(patterns: string[], change: (text: string) => string = (text) => text): string {
  const contents = new Set<string>()
  let units = 0
  for (const path of globSync(patterns, { cwd: root }).toSorted()) {
    const text = change(readFileSync(join(root, path), 'utf8'))
    if (contents.has(text)) continue
    contents.add(text)
    units += text.length
    if (units >= unitsMax) break
  }
  return [...contents].join('\n').slice(0, unitsMax)
}

/** Numbers below `count`, the same in every run (xorshift32). */
function draws(seed: number): (count: number) => number {
  let state = seed
  return (count) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % count
  }
}

/** Names of the regions, languages, scripts and currencies of the world (CLDR, in the engine). */
function words(locale: string): string[] {
  const found = new Set<string>()
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz')
  const twos = letters.flatMap((first) => letters.map((second) => first + second))
  const collect = (type: 'region' | 'language' | 'currency' | 'script', codes: string[]) => {
    const names = new Intl.DisplayNames(locale, { type, fallback: 'none' })
    for (const code of codes) {
      const name = names.of(code)
      if (name !== undefined) found.add(name)
    }
  }
  collect(
    'region',
    twos.map((code) => code.toUpperCase()),
  )
  collect('language', twos)
  collect('currency', Intl.supportedValuesOf('currency'))
  collect('script', ['Arab', 'Cyrl', 'Deva', 'Grek', 'Hans', 'Hebr', 'Jpan', 'Latn', 'Thai'])
  return [...found]
}

/** Sentences of words drawn at random from those of `locales`; a sentence stays in one of them. */
function sentences(locales: readonly string[], ends: readonly string[], between: string): string {
  const draw = draws(20_240_513)
  const vocabularies = locales.map(words)
  let text = ''
  while (text.length < unitsMax) {
    const vocabulary = vocabularies[draw(vocabularies.length)] ?? []
    const sentence = Array.from({ length: 4 + draw(9) }, () => vocabulary[draw(vocabulary.length)])
    text += sentence.join(between) + (ends[draw(ends.length)] ?? '')
  }
  return text.slice(0, unitsMax)
}

const cjk = ['zh', 'zh-Hant', 'ja']
// biome-ignore format: a list of codes
const mixed = [
  'ar', 'am', 'bn', 'cs', 'de', 'el', 'fa', 'fi', 'fr', 'gu', 'he', 'hi', 'hu', 'hy', 'ja', 'ka',
  'km', 'kn', 'ko', 'lo', 'ml', 'mr', 'my', 'pl', 'ru', 'ta', 'te', 'th', 'tr', 'uk', 'ur', 'vi', 'zh',
]

/** Text that does not repeat, of five kinds. The same on every machine with the same lock file. */
export function corpora(): Corpus[] {
  return [
    {
      name: 'prose',
      source: 'Markdown of the packages in node_modules, without code blocks',
      text: files(['node_modules/**/*.md'], (text) => text.replaceAll(/^```[^]*?^```/gm, '')),
    },
    {
      name: 'code',
      source: 'sources of fast-check, undici and yaml',
      text: files(['node_modules/undici/lib/**/*.js', 'node_modules/{yaml,fast-check}/**/*.js']),
    },
    {
      name: 'json',
      source: 'JSON files of the packages in node_modules, 2 KB and more',
      text: files(['node_modules/**/*.json'], (text) => (text.length < 2_000 ? '' : text)),
    },
    {
      name: 'mixed scripts',
      source: `names of CLDR in ${mixed.length} languages, drawn at random into sentences`,
      text: sentences(mixed, ['. ', '.\n', '! ', ' – ', ', 2026: '], ' '),
    },
    {
      name: 'CJK',
      source: 'names of CLDR in Chinese and Japanese, drawn into sentences without spaces',
      text: sentences(cjk, ['。', '，', '！\n', '、', '：'], ''),
    },
  ]
}
