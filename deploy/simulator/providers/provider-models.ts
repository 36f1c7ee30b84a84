import type { ProviderOptions } from './provider-options.ts'

const created = '2026-01-01T00:00:00Z'

/** The list of models, or one of them; null where it is not served. */
export function modelsBody(options: ProviderOptions, model: string | null): string | null {
  const { vendor, models } = options
  const entry = (id: string) => (vendor === 'anthropic' ? anthropicEntry(id) : openaiEntry(id))
  if (model !== null) return models.includes(model) ? JSON.stringify(entry(model)) : null
  const data = models.map(entry)
  if (vendor !== 'anthropic') return JSON.stringify({ object: 'list', data })
  const ends = { first_id: models[0] ?? null, last_id: models.at(-1) ?? null }
  return JSON.stringify({ data, has_more: false, ...ends })
}

function openaiEntry(id: string) {
  return { id, object: 'model', created: Date.parse(created) / 1_000, owned_by: 'system' }
}

function anthropicEntry(id: string) {
  return { type: 'model', id, display_name: id, created_at: created }
}
