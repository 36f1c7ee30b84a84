import type { Probe } from './profile.ts'

/** OpenAI's list of models, which those who copy its interface have too. */
export const modelsProbe: Probe = { path: '/v1/models', headers: [] }

/** Below a base URL that ends with the version, as OpenAI's does. */
export function versionedPath(base: string, surfacePath: string): string {
  return base + surfacePath.slice('/v1'.length)
}

/** Below a base URL that is an origin. */
export function wholePath(base: string, surfacePath: string): string {
  return base + surfacePath
}

/** Nothing besides the caller's. */
export function sameQuery(query: string): string {
  return query
}
