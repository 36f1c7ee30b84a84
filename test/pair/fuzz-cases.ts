import fc from 'fast-check'
import { type Asking, goodQuestion } from './bad-input-bodies.ts'

const strange = fc.oneof(
  { maxDepth: 2 },
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('', -1, 1e308),
)

/** Bodies: any JSON, questions with strange members, any bytes, and good questions gone wrong. */
export function bodiesFor(asking: Asking): fc.Arbitrary<string> {
  const good = goodQuestion(asking)
  const members = Object.fromEntries(
    Object.entries(good).map(([name, value]) => [name, fc.oneof(fc.constant(value), strange)]),
  )
  return fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc
      .record(
        {
          ...members,
          model: fc.constantFrom('tiny', 'tiny', 'tiny', 'assistant', 'nobody', '', 7, null),
          stream: fc.constantFrom(true, false, null, 'yes'),
          stream_options: strange,
          max_tokens: fc.oneof(fc.integer({ max: 50 }), strange),
          tools: strange,
          metadata: strange,
        },
        { requiredKeys: ['model'] },
      )
      .map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
    // A question that would be good, with one piece changed.
    fc.tuple(fc.nat(), fc.nat(20), fc.string({ maxLength: 5 })).map(([at, length, text]) => {
      const whole = JSON.stringify({ ...good, stream: true })
      const from = at % whole.length
      return whole.slice(0, from) + text + whole.slice(from + length)
    }),
  )
}

const line = fc.string({ unit: 'binary-ascii', maxLength: 40 })

const names =
  'content-length transfer-encoding expect content-encoding a host upgrade connection te'
const values = ['gzip, chunked', '', '\t', ...'0 2 -1 1e9 chunked gzip 100-continue h2c'.split(' ')]

const headers = fc.tuple(fc.constantFrom(...names.split(' ')), fc.constantFrom(...values))

/** Heads as Latin-1 text: lines of anything, and requests whose parts contradict each other. */
export function headsFor({ path }: Asking): fc.Arbitrary<string> {
  const any = fc.array(line, { maxLength: 4 }).map((lines) => `${lines.join('\r\n')}\r\n\r\n`)
  const odd = fc
    .tuple(
      fc.constantFrom('POST', 'POST', 'GET', 'HEAD', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'FROB'),
      fc.oneof(fc.constantFrom(path, path, `http://x${path}`, `${path}/%`, '/', '*'), line),
      fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
      fc.array(headers, { maxLength: 4 }),
      fc.constantFrom('', '{}', '2\r\n{}\r\n0\r\n\r\n', '0\r\n\r\n', 'zz', '\r\n', '{}GET / '),
    )
    .map(([method, target, version, list, body]) => {
      const lines = list.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      return `${method} ${target} ${version}\r\nhost: x\r\nconnection: close\r\n${lines}\r\n${body}`
    })
  return fc.oneof({ weight: 1, arbitrary: any }, { weight: 4, arbitrary: odd })
}
