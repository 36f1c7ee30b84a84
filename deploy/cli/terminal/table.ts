/** Whom a cell's color warns. */
export type Tone = 'good' | 'warning' | 'bad'

const codes = { good: 32, warning: 33, bad: 31 } as const

/** `text` in the color of `tone`, where the terminal shows colors. */
export function paint(text: string, tone: Tone, isColoured: boolean): string {
  return isColoured ? `\u001B[${codes[tone]}m${text}\u001B[0m` : text
}

/**
 * Rows under their headings, aligned, two spaces between columns; without rows only `otherwise`.
 * The last column may be as long as it likes. Ends with a line feed.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  otherwise = 'none',
): string {
  if (rows.length === 0) return `${otherwise}\n`
  return aligned([headings, ...rows])
}

/** Rows without headings. */
export function aligned(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => printable(String(cell))))
  const widths = (texts[0] ?? []).map((_, at) =>
    Math.max(...texts.map((row) => row[at]?.length ?? 0)),
  )
  return texts
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** Names and messages come from a cluster's users: no escape sequence of theirs is shown. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

/** `3 pods`, `1 pod`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** `45s`, `12m`, `3h`, `20d`: the largest unit of which there are at least two. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
