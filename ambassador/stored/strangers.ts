import type { AmbassadorCall } from '../call.ts'

/** Credentials that do not have what the question is bound to; none where it is bound to nothing. */
export function strangersTo({ owner, provider, snapshot }: AmbassadorCall): string[] {
  if (owner === undefined) return []
  const credentials = snapshot?.config.providers[provider]?.credentials ?? []
  return credentials.flatMap(({ name }) => (name === owner ? [] : [name]))
}
