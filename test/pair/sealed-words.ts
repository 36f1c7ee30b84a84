import { namedOwner, readSealed } from '#shared/stored/sealed-id.ts'

/** Whether `id` is sealed and names `provider`. */
export function isSealed(id: string | undefined, provider = 'pool'): boolean {
  return namedOwner(id ?? '', [provider])?.provider === provider
}

/** As the provider knows it. */
export function plainId(id: string): string {
  return readSealed(id)?.id ?? id
}

/** The same text with the provider's own ids in place of those that are sealed for a tenant. */
export function unsealed(text: string): string {
  return text.replaceAll(/"([A-Za-z0-9_.~-]+)"/g, (_, id: string) => JSON.stringify(plainId(id)))
}
