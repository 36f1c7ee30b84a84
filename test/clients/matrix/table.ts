import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { type Feature, features } from './feature.ts'

/** What one client did in this run. */
export interface Tried {
  readonly package: string
  readonly version: string
  readonly dialect: string
  readonly feature: Feature
  readonly works: boolean
  /** What else had to be set for it. */
  readonly note: string | undefined
}

/** Rows by client and dialect, in the order in which they were tried. */
export function tableOf(tried: readonly Tried[]): string {
  const rows = Map.groupBy(tried, (one) => `| \`${one.package}\` ${one.version} | ${one.dialect} |`)
  const lines = [...rows].map(([head, own]) => {
    const cells = features.map((feature) => {
      const one = own.find((each) => each.feature === feature)
      if (one?.works !== true) return 'no'
      return one.note === undefined ? 'yes' : `with ${one.note}`
    })
    return `${head} ${cells.join(' | ')} |`
  })
  const head = ['client', 'dialect', ...features]
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...lines].join('\n')
}

const file = new URL('../../../README.md', import.meta.url)

/** The README says what this run found; `UPDATE=1` makes it say so. */
export function holdReadme(name: string, tried: readonly Tried[]): void {
  const begin = `<!-- ${name}:begin -->\n`
  const end = `<!-- ${name}:end -->`
  const text = readFileSync(file, 'utf8')
  const [before = '', rest = ''] = text.split(begin)
  const [table = '', after = ''] = rest.split(end)
  const found = `${tableOf(tried)}\n`
  if (process.env['UPDATE'] === '1') {
    writeFileSync(file, `${before}${begin}${found}${end}${after}`)
    return
  }
  assert.equal(table, found)
}
