/** Header names are lower case; a repeated header is its own pair. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

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

/** Node's flat list [name, value, name, value, …] as pairs with lower-case names. */
export function toPairs(raw: readonly (string | Buffer)[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    pairs.push([text(raw[index]).toLowerCase(), text(raw[index + 1])])
  }
  return pairs
}

function text(value: string | Buffer | undefined): string {
  // Header bytes are Latin-1 on the wire (RFC 9110, 5.5): this way they leave as they came.
  return typeof value === 'string' ? value : (value?.toString('latin1') ?? '')
}

/** What may pass to the next connection: no hop-by-hop header, none that `isDropped` names. */
export function endToEnd(
  pairs: HeaderPairs,
  isDropped: (name: string) => boolean,
): [string, string][] {
  const named = new Set(
    pairs
      .filter(([name]) => name === 'connection')
      .flatMap(([, value]) => value.split(',').map((token) => token.trim().toLowerCase())),
  )
  const kept: [string, string][] = []
  for (const [name, value] of pairs) {
    if (!hopByHop.has(name) && !named.has(name) && !isDropped(name)) kept.push([name, value])
  }
  return kept
}

/** First value of `name` (lower case). */
export function header(pairs: HeaderPairs, name: string): string | undefined {
  for (const pair of pairs) if (pair[0] === name) return pair[1]
  return undefined
}

/** How many times `name` (lower case) occurs. */
export function countHeader(pairs: HeaderPairs, name: string): number {
  let count = 0
  for (const pair of pairs) if (pair[0] === name) count++
  return count
}
