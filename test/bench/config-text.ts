/** Keys of a part of the configuration, by name, each with its value in YAML's flow style. */
export type Keys = Readonly<Record<string, string>>

/** What a scenario configures besides, or otherwise than, what is common to all. */
export interface Wishes {
  readonly sidecar?: Keys
  readonly ambassador?: Keys
  /** Of every provider. */
  readonly provider?: Keys
  readonly tenant?: Keys
  /** Every provider but the last has `NAME-chain` too: its model, then that of the last. */
  readonly chains?: boolean
}

/** A provider and where it and its ambassador listen. */
export interface Placed {
  readonly name: string
  readonly baseUrl: string
  readonly ambassadorPort: number
}

function lines(indent: string, keys: Keys): string {
  return Object.entries(keys)
    .map(([key, value]) => `${indent}${key}: ${value}\n`)
    .join('')
}

/**
 * Everything that is built and needs nothing outside: identities, credentials, log lines. A provider
 * speaks all dialects, since calls of each are cancelled; `NAME-model` is the model behind `NAME`.
 */
export function configText(providers: readonly Placed[], wishes: Wishes): string {
  const targetOf = (provider: string) => `{ provider: ${provider}, model: gpt-4o }`
  const models: Record<string, string> = {}
  for (const { name } of providers) models[`${name}-model`] = `{ targets: [${targetOf(name)}] }`
  const last = providers.at(-1)?.name ?? ''
  for (const { name } of wishes.chains === true ? providers.slice(0, -1) : []) {
    models[`${name}-chain`] = `{ targets: [${targetOf(name)}, ${targetOf(last)}] }`
  }
  const placed = providers.map(({ name, baseUrl, ambassadorPort }) => {
    const keys = {
      kind: 'openai-compatible',
      baseUrl,
      address: `127.0.0.1:${ambassadorPort}`,
      connectionsMax: '2048',
      dialects: '[chat, completions, embeddings, messages]',
      credentials: '[{ name: main, secret: BENCH_KEY }]',
      ...wishes.provider,
    }
    return `  ${name}:\n${lines('    ', keys)}`
  })
  const sidecar = { secret: 'BENCH_SECRET', connectionsMax: '2048', ...wishes.sidecar }
  const ambassador = {
    identity: '{ kind: shared-secret, secrets: [{ tenant: bench, secret: BENCH_SECRET }] }',
    drain: '{ delay: 0, grace: 1s }',
    ...wishes.ambassador,
  }
  const tenant = {
    models: `[${Object.keys(models).join(', ')}]`,
    ...wishes.tenant,
  }
  return (
    `models:\n${lines('  ', models)}sidecar:\n${lines('  ', sidecar)}` +
    `ambassador:\n${lines('  ', ambassador)}providers:\n${placed.join('')}` +
    `tenants:\n  bench:\n${lines('    ', tenant)}`
  )
}
