import type { Family } from '#shared/dialects/surfaces.ts'

/** A path as the layers know it. */
export interface CanonicalPath {
  readonly path: string
  /** Whose clients call so; undefined where the path does not say. */
  readonly family: Family | undefined
}

/** Beginnings that name whose client calls, as gateways and SDK guides have them. */
const prefixes: readonly (readonly [prefix: string, family: Family])[] = [
  ['/openai', 'openai'],
  ['/anthropic', 'anthropic'],
]

/** First words of paths below `/v1`: a base URL without the version leaves it out. */
const roots: ReadonlySet<string> = new Set([
  'assistants',
  'audio',
  'batches',
  'chat',
  'completions',
  'containers',
  'conversations',
  'embeddings',
  'files',
  'fine_tuning',
  'images',
  'messages',
  'models',
  'moderations',
  'ocr',
  'rerank',
  'responses',
  'score',
  'threads',
  'uploads',
  'vector_stores',
])

/**
 * The one spelling of a path that is written with its vendor's name before it, without `/v1`, or both.
 * Every other path is given as it is. A canonical path is its own canonical path.
 */
export function canonicalPath(written: string): CanonicalPath {
  // What nearly every call has.
  if (written.startsWith('/v1/')) return { path: written, family: undefined }
  for (const [prefix, family] of prefixes) {
    if (!written.startsWith(`${prefix}/`)) continue
    const rest = written.slice(prefix.length)
    const path = rest.startsWith('/v1/') ? rest : versioned(rest)
    return path === undefined ? { path: written, family } : { path, family }
  }
  return { path: versioned(written) ?? written, family: undefined }
}

function versioned(path: string): string | undefined {
  const end = path.indexOf('/', 1)
  return roots.has(path.slice(1, end < 0 ? undefined : end)) ? `/v1${path}` : undefined
}
