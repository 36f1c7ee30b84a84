import { type Asking, goodQuestion } from './bad-input-bodies.ts'

/** The status of each answer on the connection, in order; no element: it is closed without a word. */
export interface WireCase {
  readonly name: string
  /** Latin-1. */
  readonly bytes: string
  readonly answers: readonly number[]
  /** The code of the last answer, where it is ours. */
  readonly code?: string
}

const ok = 200
const malformed = { answers: [400], code: 'malformed-request' } as const

/** A request whose head has `lines` besides its host. */
function post(path: string, lines: readonly string[], body = ''): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`
}

function chunked(path: string, chunks: string): string {
  return post(path, ['transfer-encoding: chunked', 'connection: close'], chunks)
}

function bodies(asking: Asking): readonly WireCase[] {
  const { path } = asking
  const body = JSON.stringify(goodQuestion(asking))
  const size = body.length.toString(16)
  const sized = (length: string | number) => post(path, [`content-length: ${length}`], body)
  const bad = (name: string, bytes: string): WireCase => ({ name, bytes, ...malformed })
  return [
    bad(
      'both lengths',
      post(path, ['content-length: 3', 'transfer-encoding: chunked'], '0\r\n\r\n'),
    ),
    bad(
      'both lengths, the other way',
      post(path, ['transfer-encoding: chunked', 'content-length: 3']),
    ),
    bad('two lengths', post(path, ['content-length: 3', 'content-length: 4'], 'abcd')),
    bad('a length twice', post(path, ['content-length: 3', 'content-length: 3'], 'abc')),
    ...['3, 3', '+3', '-1', '0x3', '1e3', '3.0', '', '9'.repeat(30), '٣'].map((length) =>
      bad(`a length of '${length.slice(0, 10)}'`, sized(length)),
    ),
    {
      name: 'a length far too large',
      bytes: sized(2 ** 53),
      answers: [413],
      code: 'body-too-large',
    },
    bad('a body whose last coding is not chunked', post(path, ['transfer-encoding: gzip'])),
    bad('chunked, and then something', post(path, ['transfer-encoding: chunked, gzip'])),
    bad(
      'a coding besides chunked',
      post(path, ['transfer-encoding: gzip, chunked'], `${size}\r\n${body}\r\n0\r\n\r\n`),
    ),
    bad('a chunk size that is no number', chunked(path, 'zz\r\n{}\r\n0\r\n\r\n')),
    bad('a chunk size below zero', chunked(path, '-1\r\n{}\r\n0\r\n\r\n')),
    bad('a chunk size beyond all numbers', chunked(path, `${'f'.repeat(17)}\r\n{}`)),
    bad('a chunk longer than its size', chunked(path, '1\r\n{}\r\n0\r\n\r\n')),
    bad('a bare line feed behind a chunk size', chunked(path, '2\n{}\r\n0\r\n\r\n')),
    bad(
      'endless extensions of a chunk',
      chunked(path, `2;${'a=b;'.repeat(8_000)}\r\n{}\r\n0\r\n\r\n`),
    ),
    {
      name: 'an extension of a chunk',
      bytes: chunked(path, `${size};a="b"\r\n${body}\r\n0\r\nx-trailer: y\r\n\r\n`),
      answers: [ok],
    },
    {
      name: 'a byte in each chunk',
      bytes: chunked(path, `${body.replace(/./g, '1\r\n$&\r\n')}0\r\n\r\n`),
      answers: [ok],
    },
    {
      name: 'bytes behind the body',
      bytes: post(path, [`content-length: ${body.length}`], `${body}more`),
      answers: [ok, 400],
      code: 'malformed-request',
    },
  ]
}

function heads(asking: Asking): readonly WireCase[] {
  const { path } = asking
  const body = JSON.stringify(goodQuestion(asking))
  const good = ['connection: close', `content-length: ${body.length}`]
  const bad = (name: string, bytes: string): WireCase => ({ name, bytes, ...malformed })
  const served = (name: string, bytes: string): WireCase => ({ name, bytes, answers: [ok] })
  const tooLarge = { answers: [431], code: 'head-too-large' } as const
  const many = Array.from({ length: 1_200 }, () => 'a:b')
  return [
    bad('a folded header', post(path, ['a: b', ' c', ...good], body)),
    bad('a header without a colon', post(path, ['hello', ...good], body)),
    bad('a space before the colon', post(path, ['a : b', ...good], body)),
    bad('a header without a name', post(path, [': b', ...good], body)),
    bad('NUL in a header', post(path, ['a: b\0c', ...good], body)),
    bad('a bare return in a header', post(path, ['a: b\rc: d', ...good], body)),
    bad('no host', `POST ${path} HTTP/1.1\r\nconnection: close\r\n\r\n`),
    bad('two hosts', post(path, ['host: y', ...good], body)),
    ...['a b', 'a/b', 'user@a', 'a:b', '[::1', '<a>', 'a%zz', 'a:1:2'].map((host) =>
      bad(
        `the host '${host}'`,
        post(path, good, body).replace('host: x', () => `host: ${host}`),
      ),
    ),
    ...['', 'a.example:4000', '[::1]:4000', '127.0.0.1', 'xn--a_b.example'].map((host) =>
      served(
        `the host '${host}'`,
        post(path, good, body).replace('host: x', () => `host: ${host}`),
      ),
    ),
    bad('a method in small letters', post(path, good, body).replace('POST', 'post')),
    bad('a method that there is not', post(path, good, body).replace('POST', 'FROB')),
    bad('HTTP/9.9', post(path, good, body).replace('HTTP/1.1', 'HTTP/9.9')),
    bad('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    bad('the hello of TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'),
    bad('a control character in the path', post(`${path}?\x01`, good, body)),
    { name: 'a large header', bytes: post(path, [`a: ${'b'.repeat(100_000)}`]), ...tooLarge },
    { name: 'a large path', bytes: post(`${path}?${'b'.repeat(100_000)}`, []), ...tooLarge },
    {
      name: 'twenty thousand headers',
      bytes: post(
        path,
        Array.from({ length: 20_000 }, () => 'a: b'),
      ),
      ...tooLarge,
    },
    {
      name: 'what comes behind 1,200 headers',
      bytes: post(path, [...good, ...many, 'content-encoding: snappy'], body),
      answers: [415],
      code: 'encoding-unsupported',
    },
    // A request without a head has no body either.
    { name: 'HTTP/0.9', bytes: `POST ${path}\r\n\r\n`, answers: [400], code: 'invalid-json' },
    served('empty lines before the request', `\r\n\r\n${post(path, good, body)}`),
    served('bytes beyond ASCII in a header', post(path, ['a: \xe9\xff', ...good], body)),
    served('a query nobody knows', post(`${path}?a=%zz&&;=#x`, good, body)),
    served('the form for a proxy', post(`http://example.com${path}`, good, body)),
    served('the form for a proxy, in capitals', post(`HTTP://EXAMPLE.COM${path}`, good, body)),
    served('an expectation nobody knows', post(path, ['expect: bananas', ...good], body)),
    served(
      'h2c, which is let be',
      post(path, ['upgrade: h2c', 'connection: upgrade', ...good], body),
    ),
    {
      name: 'HTTP/1.0',
      bytes: post(path, good.slice(1), body).replace('HTTP/1.1', 'HTTP/1.0'),
      answers: [ok],
    },
    {
      name: 'a question that waits for 100',
      bytes: post(path, ['expect: 100-continue', ...good], body),
      answers: [100, ok],
    },
    {
      name: 'a body too large that waits for 100',
      bytes: post(path, ['expect: 100-continue', 'connection: close', 'content-length: 99999999']),
      answers: [413],
      code: 'body-too-large',
    },
    {
      name: 'a page of another site',
      bytes: post(path, ['Sec-Fetch-Site: cross-site', ...good], body),
      answers: [403],
      code: 'cross-site',
    },
    {
      name: 'a page of the same site',
      bytes: post(path, ['sec-fetch-site: same-site', ...good], body),
      answers: [ok],
    },
    {
      name: 'a websocket',
      bytes: post(path, ['upgrade: websocket', 'connection: upgrade']),
      answers: [426],
      code: 'upgrade-refused',
    },
    ...['GET', 'PUT', 'TRACE', 'OPTIONS', 'PROPFIND', 'DELETE'].map((method) => ({
      name: method,
      bytes: `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      answers: [405],
      code: 'method-not-allowed',
    })),
    {
      name: 'three questions at once',
      bytes:
        post(path, [`content-length: ${body.length}`], body) +
        'GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n' +
        'GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      answers: [ok, ok, 404],
      code: 'path-not-found',
    },
    {
      name: 'a question, and then no request',
      bytes: `${post(path, [`content-length: ${body.length}`], body)}GARBAGE\r\n\r\n`,
      answers: [ok, 400],
      code: 'malformed-request',
    },
  ]
}

function paths({ path }: Asking): readonly WireCase[] {
  // Below it every name is that of a stored response.
  if (path.startsWith('/v1/responses/')) return []
  const [, version = '', ...rest] = path.split('/')
  const end = rest.join('/')
  const odd = [
    `/${version}/../${version}/${end}`,
    `/${version}/%2e%2e/${version}/${end}`,
    `/${version}/./${end}`,
    `//${version}//${end}`,
    `${path};a=b`,
    `${path}%00`,
    `${path}%2f`,
    `/${version}%2f${end}`,
    `\\${version}\\${end}`,
    path.toUpperCase(),
  ]
  return odd.map((one) => ({
    name: one,
    bytes: `POST ${one} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`,
    answers: one.startsWith('\\') ? [400] : [404],
    code: one.startsWith('\\') ? 'malformed-request' : 'path-not-found',
  }))
}

/** What is wrong with the bytes of a request, whatever its body says. */
export function wireCases(asking: Asking): WireCase[] {
  return [...bodies(asking), ...heads(asking), ...paths(asking)]
}
