/** What a request line asks for. */
export interface RequestTarget {
  /** Without query. */
  readonly path: string
  /** With its question mark, or empty. */
  readonly query: string
}

const absolute = /^https?:\/\/[^/?#]*/i

/**
 * Path and query of a request line. One that names scheme and host, as it would to a proxy, is read
 * like one that does not (RFC 9112, 3.2.2); `*` stands for itself.
 */
export function requestTarget(url: string): RequestTarget {
  const local = url.startsWith('/') ? url : url.replace(absolute, '')
  const mark = local.indexOf('?')
  const path = mark < 0 ? local : local.slice(0, mark)
  return { path: path === '' ? '/' : path, query: mark < 0 ? '' : local.slice(mark) }
}
