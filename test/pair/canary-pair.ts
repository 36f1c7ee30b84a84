import assert from 'node:assert/strict'
import { type Pair, type Provider, startPair } from './harness.ts'

/** What must be found nowhere: words of a question, and the beginning of every key. */
export const prompt = 'canary-of-the-prompt'
export const secret = 'canary-of-the-secret'

/** Keys that an application sends along. */
export const application = { authorization: `Bearer ${secret}-3`, 'x-api-key': `${secret}-4` }

/** A pair that writes all it ever would, with canaries for the provider's key and the halves' own secret. */
export function startCanaries(provider: Provider, pool: object = {}): Promise<Pair> {
  return startPair({
    provider: provider.port,
    pool: { ...pool, credentials: [{ name: 'main', secret: 'PROVIDER_KEY' }] },
    ambassador: {
      log: { level: 'debug' },
      identity: { kind: 'shared-secret', secrets: [{ tenant: 'local', secret: 'PAIR_SECRET' }] },
    },
    sidecar: { log: { level: 'debug' }, secret: 'PAIR_SECRET' },
    tenants: { local: {} },
    environment: { PROVIDER_KEY: `${secret}-1`, PAIR_SECRET: `${secret}-2` },
  })
}

/** All that both halves have written, or show. */
export async function said({ sidecar, ambassador }: Pair): Promise<readonly string[]> {
  const texts: string[] = []
  for (const half of [sidecar, ambassador]) {
    for (const path of ['/metrics', '/configz', '/statusz']) {
      texts.push((await half.page(path)).text)
    }
    texts.push(half.output)
  }
  return texts
}

export function assertClean(texts: readonly string[]): void {
  for (const text of texts) {
    for (const canary of [prompt, secret]) assert.ok(!text.includes(canary), text)
  }
}
