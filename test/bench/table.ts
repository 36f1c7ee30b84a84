/** A table of the report. */
export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function tableText({ head, rows }: Table): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  return `${lines.join('\n')}\n`
}

/** A part of the report; empty where nothing of it was measured. */
export function section(title: string, text: string, table: Table): string {
  if (table.rows.length === 0) return ''
  return `\n## ${title}\n\n${text === '' ? '' : `${text}\n\n`}${tableText(table)}`
}
