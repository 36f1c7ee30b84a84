import type { ClientsProvider } from '../provider/provider.ts'

/** What is tried with every client, in the order of the table. */
export const features = [
  'stream',
  'tools loop',
  'parallel tools',
  'structured output',
  'vision',
  'abort',
  'timeout',
  'retries',
  'errors',
] as const

export type Feature = (typeof features)[number]

/** Where a client finds the sidecar, and what its provider has heard. */
export interface Stage {
  readonly port: number
  readonly provider: ClientsProvider
  /** Tries that the ambassador makes for one call. */
  readonly attempts: number
}

/** One published client, as it comes but for the address. Each feature throws where it does not work. */
export interface Client {
  readonly package: string
  readonly dialect: string
  /** What had to be set for a feature besides the address. */
  readonly notes?: Partial<Readonly<Record<Feature, string>>>
  readonly features: Readonly<Record<Feature, (stage: Stage) => Promise<void>>>
}

/** A picture of one pixel, as PNG in base64. */
export const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

export const pixelBytes = Buffer.from(pixel, 'base64').length

/** Of the tool that every client offers. */
export const citySchema = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const } },
  required: ['city'],
  additionalProperties: false,
}

/** What a provider says, and what the configuration forbids, with the statuses that applications see. */
export const refused = [
  { model: 'assistant', text: 'status 400', status: 400 },
  { model: 'forbidden', text: 'hello', status: 403 },
  { model: 'unheard-of', text: 'hello', status: 404 },
  { model: 'assistant', text: 'status 500', status: 500 },
  { model: 'assistant', text: 'status 429', status: 429 },
] as const
