import fc from 'fast-check'
import { questions, spoken } from './client.ts'

/** A dialect of the pair's surfaces. */
export const dialects = fc.constantFrom(...spoken)

const known = { model: fc.constantFrom('tiny', 'assistant', 'nobody', '', 7, null) }

/** Bodies: any JSON, questions with strange fields, any bytes, and good questions gone wrong. */
export const bodies = fc.oneof(
  fc.json(),
  fc
    .record(
      {
        ...known,
        stream: fc.constantFrom(true, false, null, 'yes'),
        messages: fc.jsonValue(),
        prompt: fc.jsonValue(),
        stream_options: fc.jsonValue(),
        max_tokens: fc.oneof(fc.integer({ max: 50 }), fc.jsonValue()),
      },
      { requiredKeys: ['model'] },
    )
    .map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }),
  // A question that would be good, with one piece changed.
  fc
    .tuple(dialects, fc.nat(), fc.nat(20), fc.string({ maxLength: 5 }))
    .map(([name, at, length, text]) => {
      const good = JSON.stringify({ ...questions[name].body, stream: true })
      const from = at % good.length
      return good.slice(0, from) + text + good.slice(from + length)
    }),
)

const line = fc.string({ unit: 'binary-ascii', maxLength: 40 })

/** Heads as Latin-1 text: lines of anything, and requests whose parts contradict each other. */
export const heads = fc.oneof(
  fc.array(line, { maxLength: 4 }).map((lines) => `${lines.join('\r\n')}\r\n\r\n`),
  fc
    .tuple(
      fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'TRACE', 'FROB'),
      fc.oneof(fc.constantFrom('/', '/v1/messages', '/v1/models', '*', '/v1/models/%'), line),
      fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
      fc.array(
        fc.tuple(
          fc.constantFrom('content-length', 'transfer-encoding', 'expect', 'content-encoding', 'a'),
          fc.constantFrom(
            '0',
            '1',
            '-1',
            '1e9',
            'chunked',
            'gzip',
            'gzip, chunked',
            '100-continue',
          ),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([method, path, version, headers]) => {
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      return `${method} ${path} ${version}\r\nhost: x\r\nconnection: close\r\n${lines}\r\n`
    }),
)
