import type { Dialect } from '../question.ts'
import type { Vendor } from './provider-options.ts'
import type { StoredSuffix } from './response-store.ts'

/** What a path asks of a provider. */
export type Route =
  | { readonly kind: 'answer'; readonly dialect: Dialect; readonly deployment: string | null }
  | { readonly kind: 'embeddings'; readonly deployment: string | null }
  | { readonly kind: 'count'; readonly dialect: Dialect }
  | { readonly kind: 'models'; readonly model: string | null }
  | {
      readonly kind: 'stored'
      readonly id: string
      readonly suffix: StoredSuffix
      readonly query: URLSearchParams
    }
  | { readonly kind: 'hello' }

const openaiPaths: Readonly<Record<string, Route>> = {
  '/chat/completions': { kind: 'answer', dialect: 'chat', deployment: null },
  '/responses': { kind: 'answer', dialect: 'responses', deployment: null },
  '/responses/input_tokens': { kind: 'count', dialect: 'responses' },
  '/embeddings': { kind: 'embeddings', deployment: null },
  '/models': { kind: 'models', model: null },
}

const anthropicPaths: Readonly<Record<string, Route>> = {
  '/v1/messages': { kind: 'answer', dialect: 'messages', deployment: null },
  '/v1/messages/count_tokens': { kind: 'count', dialect: 'messages' },
  '/v1/models': { kind: 'models', model: null },
  '/api/hello': { kind: 'hello' },
}

/** The route of `url` (path and query), or null where the vendor has none. */
export function routeOf(vendor: Vendor, url: string): Route | null {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (vendor === 'anthropic') return withModel(anthropicPaths, pathname, '/v1/models/')
  if (vendor === 'openai') return under('/v1', pathname) ?? stored('/v1', pathname, searchParams)
  const unversioned = under('/openai/v1', pathname) ?? stored('/openai/v1', pathname, searchParams)
  if (unversioned !== null) return unversioned
  // Without `api-version` the older surface does not exist.
  if (!searchParams.has('api-version')) return null
  const deployed = /^\/openai\/deployments\/([^/]+)(\/.+)$/.exec(pathname)
  if (deployed === null) return under('/openai', pathname)
  const route = under('', deployed[2] ?? '')
  const deployment = decodeURIComponent(deployed[1] ?? '')
  if (route?.kind !== 'answer' && route?.kind !== 'embeddings') return null
  return { ...route, deployment }
}

function under(prefix: string, path: string): Route | null {
  if (!path.startsWith(`${prefix}/`)) return null
  return withModel(openaiPaths, path.slice(prefix.length), '/models/')
}

function stored(prefix: string, path: string, query: URLSearchParams): Route | null {
  const below = path.startsWith(prefix) ? path.slice(prefix.length) : ''
  const [, id, end] = /^\/responses\/([^/]+)(\/cancel|\/input_items)?$/.exec(below) ?? []
  if (id === undefined) return null
  const suffix = end === '/cancel' || end === '/input_items' ? end : ''
  return { kind: 'stored', id: decodeURIComponent(id), suffix, query }
}

function withModel(
  paths: Readonly<Record<string, Route>>,
  path: string,
  modelPrefix: string,
): Route | null {
  if (Object.hasOwn(paths, path)) return paths[path] ?? null
  if (!path.startsWith(modelPrefix)) return null
  return { kind: 'models', model: decodeURIComponent(path.slice(modelPrefix.length)) }
}
