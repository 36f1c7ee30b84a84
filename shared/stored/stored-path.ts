/** What is asked of a stored response. */
export type StoredVerb = 'retrieve' | 'delete' | 'cancel' | 'input-items'

export interface StoredAsk {
  readonly verb: StoredVerb
  readonly method: 'GET' | 'DELETE' | 'POST'
  /** Id of the response as the caller wrote it, escapes undone. */
  readonly id: string
  /** What stands behind the id in the path: empty, or `/cancel`. */
  readonly suffix: '' | '/cancel' | '/input_items'
}

/** A path of a stored response with a method that it does not have. */
export interface WrongMethod {
  readonly allowed: string
}

const form = /^\/v1\/responses\/([^/]+)(|\/cancel|\/input_items)$/

/** Not an id: a surface of its own. */
const surfaces = new Set(['input_tokens', 'compact'])

/** What `method` and `path` ask of a stored response; undefined where the path is another. */
export function storedAskOf(method: string, path: string): StoredAsk | WrongMethod | undefined {
  if (!path.startsWith('/v1/responses/')) return undefined
  const [, shown = '', suffix = ''] = form.exec(path) ?? []
  if (shown === '' || surfaces.has(shown)) return undefined
  const id = unescaped(shown)
  if (suffix === '/cancel') {
    return method === 'POST' ? { verb: 'cancel', method, id, suffix } : { allowed: 'POST' }
  }
  if (suffix === '/input_items') {
    return method === 'GET' ? { verb: 'input-items', method, id, suffix } : { allowed: 'GET' }
  }
  if (method === 'GET') return { verb: 'retrieve', method, id, suffix: '' }
  if (method === 'DELETE') return { verb: 'delete', method, id, suffix: '' }
  return { allowed: 'GET or DELETE' }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A broken escape names no response; it is told as it came.
    return text
  }
}
