import { gzipSync } from 'node:zlib'
import { type Dialect, type Family, surfaceOf, surfacePaths } from '#shared/dialects/surfaces.ts'

/** A path that applications POST to, with the dialect that is spoken there. */
export interface Asking {
  readonly path: string
  readonly dialect: Dialect
  readonly family: Family
}

/** Every surface that takes a question. */
export const askings: readonly Asking[] = surfacePaths.flatMap((path) => {
  const surface = surfaceOf(path)
  if (surface === undefined || path.includes('{')) return []
  const { dialect } = surface
  return [{ path, dialect, family: dialect === 'messages' ? 'anthropic' : 'openai' }]
})

const messages = [{ role: 'user', content: 'hello' }]

const members: Readonly<Record<Dialect, Readonly<Record<string, unknown>>>> = {
  chat: { messages, max_tokens: 2 },
  completions: { prompt: 'hello', max_tokens: 2 },
  embeddings: { input: 'hello' },
  messages: { messages, max_tokens: 2 },
  responses: { input: 'hello', max_output_tokens: 16 },
}

/** A question that nothing is wrong with. */
export function goodQuestion({ dialect }: Pick<Asking, 'dialect'>): Record<string, unknown> {
  return { model: 'tiny', ...members[dialect] }
}

/** What must come back: an error of ours, or anything below 500 in the dialect. */
export type Wanted =
  | { readonly status: number; readonly code: string; readonly field?: string }
  | 'answered'

export interface BodyCase {
  readonly name: string
  readonly body: Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly wanted: Wanted
  /** Of the many that are only of the wrong type. */
  readonly isTyped?: true
}

const broken = { status: 400, code: 'invalid-json' } as const
const unknownModel = { status: 404, code: 'model-not-found', field: 'model' } as const
const badField = (field: string) => ({ status: 400, code: 'invalid-field', field }) as const

/** `text` in place of the closing brace of a good question. */
function ending(asking: Asking, text: string): string {
  return JSON.stringify(goodQuestion(asking)).slice(0, -1) + text
}

const deep = 100_000

function texts(asking: Asking): readonly (readonly [string, string, Wanted])[] {
  const good = JSON.stringify(goodQuestion(asking))
  const cuts = [1, 2, 8, 0.3, 0.5, 0.8].map((at) => Math.floor(at < 1 ? good.length * at : at))
  const lists = '['.repeat(deep) + ']'.repeat(deep)
  const objects = '{"a":'.repeat(deep) + '1' + '}'.repeat(deep)
  return [
    ...[...cuts, good.length - 1].map(
      (at) => [`JSON cut at ${at}`, good.slice(0, at), broken] as const,
    ),
    ['no byte', '', broken],
    ['white space', ' \r\n\t', broken],
    ...['null', 'true', '7', '-0', '"text"', '[]', `[${good}]`, 'hello', '<a/>', 'a=b&c=d'].map(
      (text) => [`${text.slice(0, 12)} for an object`, text, broken] as const,
    ),
    ['two objects', good + good, broken],
    ['a word behind the object', `${good} x`, broken],
    ['NUL behind the object', `${good}\0`, broken],
    ['NUL in a string', ending(asking, ',"user":"a\0b"}'), broken],
    ['an escaped NUL', ending(asking, ',"user":"a\\u0000b"}'), 'answered'],
    ['half of a surrogate pair', ending(asking, ',"user":"\\ud800"}'), 'answered'],
    ['an escape that there is not', ending(asking, ',"user":"\\x41"}'), broken],
    ['a line feed in a string', ending(asking, ',"user":"a\nb"}'), broken],
    ['single quotes', `{'model':'tiny'}`, broken],
    ['a comment', `/* a */${good}`, broken],
    ['a comma too many', ending(asking, ',}'), broken],
    ['lists 100,000 deep', ending(asking, `,"deep":${lists}}`), 'answered'],
    ['lists 100,000 deep in a known member', ending(asking, `,"tools":${lists}}`), 'answered'],
    ['objects 100,000 deep', ending(asking, `,"metadata":${objects}}`), 'answered'],
    ['lists without an end', ending(asking, `,"deep":${'['.repeat(deep)}`), broken],
    ['two models', ending(asking, ',"model":"tiny"}'), badField('model')],
    ['two models, one escaped', ending(asking, ',"mod\\u0065l":"tiny"}'), badField('model')],
    ['two streams', ending(asking, ',"stream":false,"stream":true}'), badField('stream')],
    ['a member twice further down', ending(asking, ',"metadata":{"a":"1","a":"2"}}'), 'answered'],
    ...[
      'NaN',
      'Infinity',
      '-Infinity',
      '0x10',
      '01',
      '+1',
      '.5',
      '1.',
      '1e',
      '--1',
      'undefined',
    ].map((word) => [`${word} for a number`, ending(asking, `,"seed":${word}}`), broken] as const),
    ...['1e999', '-1e999', '-0', '9007199254740993', '1e-999', '9'.repeat(5_000)].flatMap(
      (number) =>
        ['max_tokens', 'max_output_tokens', 'temperature', 'n', 'seed'].map((member) => {
          const { [member]: _, ...rest } = goodQuestion(asking)
          const text = `${JSON.stringify(rest).slice(0, -1)},"${member}":${number}}`
          return [`${number.slice(0, 20)} for ${member}`, text, 'answered'] as const
        }),
    ),
    ...['', '7', 'null', '[]', '{}', 'true'].map((value) => {
      const { model: _, ...rest } = goodQuestion(asking)
      const member = value === '' ? '' : `,"model":${value}`
      const text = `${JSON.stringify(rest).slice(0, -1)}${member}}`
      return [`${value || 'nothing'} for a model`, text, badField('model')] as const
    }),
    ['an empty name for a model', good.replace('tiny', ''), badField('model')],
    ...['__proto__', 'constructor', 'toString', 'tiny\\u0000', 'tiny\\r\\nx-a: b', '\\ud800'].map(
      (name) => [`${name} for a model`, good.replace('tiny', name), unknownModel] as const,
    ),
    ['a name of 3,000 letters', good.replace('tiny', 'm'.repeat(3_000)), unknownModel],
    ['a name of 100,000 letters', good.replace('tiny', 'm'.repeat(100_000)), badField('model')],
    ['text for stream', ending(asking, ',"stream":"yes"}'), badField('stream')],
    ['a number for stream', ending(asking, ',"stream":1}'), badField('stream')],
  ]
}

const typed = [
  'messages',
  'prompt',
  'input',
  'system',
  'instructions',
  'tools',
  'tool_choice',
].concat([
  'stream_options',
  'max_tokens',
  'stop',
  'metadata',
  'response_format',
  'priority',
  'text',
])
const values: readonly unknown[] = [null, true, 7, 'x', [], {}, [null], [[]], [{}], { a: [] }]

/** Wrong types for the members that somebody on the way looks at. */
function wrongTypes(asking: Asking): BodyCase[] {
  return typed.flatMap((member) =>
    values.map((value) => ({
      name: `${JSON.stringify(value)} for ${member}`,
      body: Buffer.from(JSON.stringify({ ...goodQuestion(asking), [member]: value })),
      wanted: 'answered' as const,
      isTyped: true as const,
    })),
  )
}

/** In place of the text in a good question. */
function withBytes(asking: Asking, bytes: readonly number[]): Buffer {
  const [before = '', after = ''] = ending(asking, ',"user":"%"}').split('%')
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
}

function oddBytes(asking: Asking): BodyCase[] {
  const good = JSON.stringify(goodQuestion(asking))
  const cases: readonly (readonly [string, Buffer])[] = [
    ['a byte that begins no character', withBytes(asking, [0xff])],
    ['a quote in two bytes', withBytes(asking, [0xc0, 0xa2])],
    ['a slash in three bytes', withBytes(asking, [0xe0, 0x80, 0xaf])],
    ['half of a pair in UTF-8', withBytes(asking, [0xed, 0xa0, 0x80])],
    ['a character beyond the last', withBytes(asking, [0xf4, 0x90, 0x80, 0x80])],
    ['a character that is cut', withBytes(asking, [0xe6, 0x97])],
    ['a mark of the byte order', Buffer.from(`\uFEFF${good}`)],
    ['UTF-16', Buffer.from(good, 'utf16le')],
    ['gzip that is not called so', gzipSync(good)],
  ]
  return cases.map(([name, body]) => ({ name, body, wanted: broken }))
}

function headed(asking: Asking): BodyCase[] {
  const body = Buffer.from(JSON.stringify(goodQuestion(asking)))
  const types = [
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
  ]
  const zipped = gzipSync(body)
  const gzip = { 'content-encoding': 'gzip' }
  const malformed = { status: 400, code: 'malformed-request' } as const
  return [
    ...[...types, '', 'nonsense', 'application/x-www-form-urlencoded'].map((type) => ({
      name: `a good question that is called '${type}'`,
      body,
      headers: { 'content-type': type },
      wanted: 'answered' as const,
    })),
    { name: 'gzip', body: zipped, headers: gzip, wanted: 'answered' },
    { name: 'what is no gzip', body, headers: gzip, wanted: malformed },
    { name: 'gzip that is cut', body: zipped.subarray(0, -9), headers: gzip, wanted: malformed },
    {
      name: 'gzip of far too much',
      body: gzipSync(Buffer.alloc(8 * 1024 * 1024, ' ')),
      headers: gzip,
      wanted: { status: 413, code: 'body-too-large' },
    },
    {
      name: 'a coding that there is not',
      body,
      headers: { 'content-encoding': 'snappy' },
      wanted: { status: 415, code: 'encoding-unsupported' },
    },
  ]
}

/** The systematic table of one surface. */
export function bodyCases(asking: Asking): BodyCase[] {
  const plain = texts(asking).map(([name, text, wanted]) => ({
    name,
    body: Buffer.from(text),
    wanted,
  }))
  return [...plain, ...wrongTypes(asking), ...oddBytes(asking), ...headed(asking)]
}
