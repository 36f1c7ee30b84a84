/** A wire format of calls that reach a provider. */
export type Dialect = 'chat' | 'completions' | 'embeddings' | 'messages' | 'responses'

/** Whose error bodies and stream events a caller understands. */
export type Family = 'openai' | 'anthropic'

interface DialectRow {
  readonly family: Family
  /** `gen_ai.operation.name` of the OpenTelemetry GenAI conventions. */
  readonly operation: string
}

export const dialects: Readonly<Record<Dialect, DialectRow>> = {
  chat: { family: 'openai', operation: 'chat' },
  completions: { family: 'openai', operation: 'text_completion' },
  embeddings: { family: 'openai', operation: 'embeddings' },
  messages: { family: 'anthropic', operation: 'chat' },
  responses: { family: 'openai', operation: 'chat' },
}

/** A path that applications call with a question to a model. */
export interface Surface {
  readonly path: string
  readonly dialect: Dialect
  /** The model's answer, only how many tokens the question has, or what passes as it is. */
  readonly wants: 'answer' | 'count' | 'pass'
  /** What passes has an operation of its own. */
  readonly operation?: string
}

const surfaces: readonly Surface[] = [
  { path: '/v1/chat/completions', dialect: 'chat', wants: 'answer' },
  { path: '/v1/completions', dialect: 'completions', wants: 'answer' },
  { path: '/v1/embeddings', dialect: 'embeddings', wants: 'answer' },
  { path: '/v1/messages', dialect: 'messages', wants: 'answer' },
  { path: '/v1/responses', dialect: 'responses', wants: 'answer' },
  { path: '/v1/messages/count_tokens', dialect: 'messages', wants: 'count' },
  { path: '/v1/responses/input_tokens', dialect: 'responses', wants: 'count' },
]

const byPath = new Map(surfaces.map((surface) => [surface.path, surface]))

/** What is asked for on `path` (without query); undefined for every other path. */
export function surfaceOf(path: string): Surface | undefined {
  return byPath.get(path)
}

/** The end of a path of a stored response. */
const storedPath = /^\/v1\/responses\/[^/]+(|\/cancel|\/input_items)$/

/** A path of something else that is stored, with all that follows its id. */
const keptPath =
  /^(\/v1\/(?:files|uploads|batches|vector_stores|fine_tuning|conversations|containers|assistants|threads|chat\/completions|messages\/batches))\/.*$/

/**
 * A path as a line or a span names it: without the id that a caller has written there, which has no end of
 * values. Other paths stay.
 */
export function routeOf(path: string): string {
  if (byPath.has(path)) return path
  const [, suffix] = storedPath.exec(path) ?? []
  if (suffix !== undefined) return `/v1/responses/{id}${suffix}`
  return path.replace(keptPath, '$1/{id}')
}

/** `gen_ai.operation.name`; the conventions have none for a count. */
export function operationOf(surface: Surface | undefined): string {
  if (surface?.operation !== undefined) return surface.operation
  return surface?.wants === 'count'
    ? 'count_tokens'
    : dialects[surface?.dialect ?? 'chat'].operation
}

/** What is spoken on a surface, as lines and spans name it: what passes as it is has only its operation. */
export function spokenOn(surface: Surface | undefined): string | undefined {
  return surface?.wants === 'pass' ? operationOf(surface) : surface?.dialect
}

/** The dialect family of a caller who may not have reached a known path: of one below it, too. */
export function familyOf(path: string, speaksAnthropic: boolean): Family {
  if (path.startsWith('/v1/messages') || path.startsWith('/api/')) return 'anthropic'
  if (path.startsWith('/v1/responses/')) return 'openai'
  const surface = byPath.get(path)
  if (surface !== undefined) return dialects[surface.dialect].family
  return speaksAnthropic ? 'anthropic' : 'openai'
}

/** Paths applications call, in the order the documentation lists them. */
export const surfacePaths: readonly string[] = [...byPath.keys(), '/v1/models', '/v1/models/{id}']
