/**
 * Name, value, name, value, …: node's and undici's own form, so that a head is never rebuilt. Names
 * are lower case; a repeated header stands there as often as it came.
 */
export type HeaderList = readonly string[]

/** RFC 9110, 7.6.1, and what clients still send: meant for one connection only. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/**
 * Said anew for every hop: who asks, how the body is framed, and where the call stands in a trace. The
 * application's own keys stop with it at the first.
 */
const saidAnew = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'cookie',
  'host',
  'content-length',
  'content-encoding',
  'expect',
  'accept-encoding',
  'baggage',
  'traceparent',
  'tracestate',
  // What a mesh says of the caller is for us, and no provider's affair.
  'l5d-client-id',
  'x-forwarded-client-cert',
])

/** Whether a request's header stays behind on each of our hops: said anew there, or our own word. */
export function isOfHop(name: string): boolean {
  return saidAnew.has(name) || name.startsWith('x-outrigger-')
}

/** The same list with its names in lower case. */
export function lowered(raw: readonly string[]): string[] {
  const list = raw.slice()
  for (let at = 0; at < list.length; at += 2) list[at] = list[at]?.toLowerCase() ?? ''
  return list
}

/** undici's parsed head as a list; a header that came several times is an array there. */
export function listed(parsed: Readonly<Record<string, string | string[] | undefined>>): string[] {
  const list: string[] = []
  for (const name in parsed) {
    const value = parsed[name]
    if (typeof value === 'string') list.push(name, value)
    else if (value !== undefined) for (const one of value) list.push(name, one)
  }
  return list
}

/** What may pass to the next connection: no hop-by-hop header, none that `isDropped` names. */
export function endToEnd(list: HeaderList, isDropped: (name: string) => boolean): string[] {
  const named = namedByConnection(list)
  const kept: string[] = []
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at] ?? ''
    if (hopByHop.has(name) || named?.includes(name) === true || isDropped(name)) continue
    kept.push(name, list[at + 1] ?? '')
  }
  return kept
}

/** Further headers that `connection` makes hop-by-hop; undefined where it says the usual. */
function namedByConnection(list: HeaderList): string[] | undefined {
  let named: string[] | undefined
  for (let at = 0; at + 1 < list.length; at += 2) {
    if (list[at] !== 'connection') continue
    const value = list[at + 1] ?? ''
    if (value === 'keep-alive' || value === 'close') continue
    named ??= []
    for (const token of value.split(',')) named.push(token.trim().toLowerCase())
  }
  return named
}

/** First value of `name` (lower case). */
export function header(list: HeaderList, name: string): string | undefined {
  for (let at = 0; at + 1 < list.length; at += 2) if (list[at] === name) return list[at + 1]
  return undefined
}

/** How many times `name` (lower case) occurs. */
export function countHeader(list: HeaderList, name: string): number {
  let count = 0
  for (let at = 0; at < list.length; at += 2) if (list[at] === name) count++
  return count
}
