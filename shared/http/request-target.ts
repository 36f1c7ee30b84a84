import type { Family } from '#shared/dialects/surfaces.ts'
import { canonicalPath } from './canonical-path.ts'

/** What a request line asks for. */
export interface RequestTarget {
  /** Without query; in its canonical spelling. */
  readonly path: string
  /** With its question mark, or empty. */
  readonly query: string
  /** Whose clients call so, where the path itself says it. */
  readonly family: Family | undefined
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
  const query = mark < 0 ? '' : local.slice(mark)
  return { ...canonicalPath(path === '' ? '/' : path), query }
}
