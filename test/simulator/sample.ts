import { readFileSync } from 'node:fs'

/** One recorded answer of a real vLLM. */
export interface Sample {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly requestText: string
  readonly status: number
  readonly body: string
}

export function sampleText(name: string): string {
  return readFileSync(new URL(`samples/${name}.txt`, import.meta.url), 'utf8')
}

/** Reads a sample of the form request, `--> status`, headers, empty line, body. */
export function readSample(name: string): Sample {
  const text = sampleText(name)
  const [asked = '', answered = ''] = text.split('\n--> ')
  const [first = '', ...rest] = asked.split('\n')
  const [method = '', path = ''] = first.split(' ')
  const isHeader = (line: string) => /^[A-Za-z-]+: /.test(line)
  const headers = rest.filter(isHeader).map((line): [string, string] => {
    const at = line.indexOf(': ')
    return [line.slice(0, at).toLowerCase(), line.slice(at + 2)]
  })
  const at = answered.indexOf('\n\n')
  return {
    method,
    path,
    headers: Object.fromEntries(headers),
    requestText: rest.filter((line) => !isHeader(line)).join('\n'),
    status: Number(answered.slice(0, 3)),
    body: answered.slice(at + 2).replace(/\n$/, ''),
  }
}

/** Every key path of `value` in its order with its JSON type, such as `choices[].index number`. */
export function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    return [...new Set([`${path} array`, ...value.flatMap((item) => shapeOf(item, `${path}[]`))])]
  }
  if (value === null) return [`${path} null`]
  if (typeof value !== 'object') return [`${path} ${typeof value}`]
  const inner = Object.entries(value).flatMap(([key, item]) => shapeOf(item, `${path}.${key}`))
  return [`${path} object`, ...inner]
}

/** The events of a stream: name, data text. Comments are left out. */
export function eventsOf(body: string): { name: string; data: string }[] {
  const blocks = body.split('\n\n').filter((block) => block.trim() !== '' && !block.startsWith(':'))
  return blocks.map((block) => ({
    name: /^event: (.*)$/m.exec(block)?.[1] ?? '',
    data: /^data: (.*)$/m.exec(block)?.[1] ?? '',
  }))
}

/**
 * Each event's name and shape in order; equal neighbours count once, since a token may share its
 * event.
 */
export function streamShape(body: string): string[] {
  const shapes = eventsOf(body).map(({ name, data }) => {
    const shape = data === '[DONE]' ? data : shapeOf(JSON.parse(data)).join(',')
    return `${name}|${shape}`
  })
  return shapes.filter((shape, at) => shape !== shapes[at - 1])
}
