/** A wire format of calls that reach a provider. */
export type Dialect = 'chat' | 'completions' | 'embeddings' | 'messages'

/** Whose error bodies and stream events a caller understands. */
export type Family = 'openai' | 'anthropic'

interface DialectRow {
  readonly path: string
  readonly family: Family
  /** `gen_ai.operation.name` of the OpenTelemetry GenAI conventions. */
  readonly operation: string
}

export const dialects: Readonly<Record<Dialect, DialectRow>> = {
  chat: { path: '/v1/chat/completions', family: 'openai', operation: 'chat' },
  completions: { path: '/v1/completions', family: 'openai', operation: 'text_completion' },
  embeddings: { path: '/v1/embeddings', family: 'openai', operation: 'embeddings' },
  messages: { path: '/v1/messages', family: 'anthropic', operation: 'chat' },
}

const byPath = new Map<string, Dialect>([
  [dialects.chat.path, 'chat'],
  [dialects.completions.path, 'completions'],
  [dialects.embeddings.path, 'embeddings'],
  [dialects.messages.path, 'messages'],
])

/** The dialect spoken on `path` (without query); undefined for every other path. */
export function dialectOf(path: string): Dialect | undefined {
  return byPath.get(path)
}

/** The dialect family of a caller who may not have reached a known path. */
export function familyOf(path: string, speaksAnthropic: boolean): Family {
  if (path.startsWith('/v1/messages') || path.startsWith('/api/')) return 'anthropic'
  const dialect = byPath.get(path)
  if (dialect !== undefined) return dialects[dialect].family
  return speaksAnthropic ? 'anthropic' : 'openai'
}

/** Paths applications call, in the order the documentation lists them. */
export const surfacePaths: readonly string[] = [...byPath.keys(), '/v1/models', '/v1/models/{id}']
