import { type LibraryName, libraries, libraryNames, sharedEncodings } from './libraries.ts'
import { table } from './table.ts'

/** Texts that libraries are known to read differently, by what is special about them. */
const texts: Readonly<Record<string, string>> = {
  'a special token': 'a<|endoftext|>b',
  'byte order marks (U+FEFF), white space in JavaScript alone': '\ufeff \ufeffa',
  'a next line (U+0085), white space in Unicode alone': '.\u0085a',
  'a letter of Unicode 17 (U+323B0)': "\u{323b0}'vesnake",
  'a lone surrogate': 'a\ud800b',
}

/** Tokens of each of these texts by each library; bold where they are not ours. */
export async function differenceTable(): Promise<string> {
  const rows: string[][] = []
  for (const encoding of sharedEncodings) {
    const counts = new Map<LibraryName, (text: string) => number>()
    for (const name of libraryNames) counts.set(name, (await libraries[name](encoding)).count)
    const ours = counts.get('Outrigger')
    for (const [name, text] of Object.entries(texts)) {
      const cells = [...counts.values()].map((count) => {
        const tokens = count(text)
        return tokens === ours?.(text) ? `${tokens}` : `**${tokens}**`
      })
      rows.push([encoding, name, ...cells])
    }
  }
  return table(['encoding', 'text', ...libraryNames], rows)
}
