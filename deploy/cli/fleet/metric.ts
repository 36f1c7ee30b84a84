/** One sample of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of `name` in a page of Prometheus' text format; none where it has none. */
export function samplesOf(page: string, name: string): Sample[] {
  return page.split('\n').flatMap((line) => {
    if (!line.startsWith(name)) return []
    const [, labels = '', value = ''] = /^(?:\{(.*)\})? (\S+)/.exec(line.slice(name.length)) ?? []
    return value === '' ? [] : [{ labels: labelsOf(labels), value: Number(value) }]
  })
}

/** Names and values of ours have no quotes in them. */
function labelsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-zA-Z_]\w*)="([^"]*)"/g)]
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]))
}
