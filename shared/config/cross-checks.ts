import { absent } from './absent.ts'
import { classChecks } from './class-checks.ts'
import type { Credential } from './credential-schema.ts'
import { nearest } from './nearest.ts'
import type { Finding, KeyPath } from './problems.ts'
import { limitsOf } from './quota-schema.ts'
import type { Config, Entry, Tenant } from './schema.ts'
import { allTargets } from './target-schema.ts'
import { formatDuration, formatSize } from './units.ts'

/** What the checks need besides the parsed configuration. */
export interface Declared {
  /** Names as written, also of entries too wrong to be parsed. */
  readonly models: readonly string[]
  readonly providers: readonly string[]
  readonly tenants: readonly string[]
  /** `sidecar.keepAlive` and the like whose value was refused: its default stands in. */
  readonly refused: ReadonlySet<string>
}

/** What no single key can tell: names that have to exist and values that have to fit together. */
export function crossChecks(config: Config, declared: Declared): Finding[] {
  return [
    ...targetChecks(config, declared),
    ...tenantChecks(config, declared),
    // Of a list that was refused the default stands in.
    ...(isListed(declared) ? classChecks(config) : []),
    ...identityChecks(config, declared),
    ...workloadChecks(config, declared),
    ...repeatChecks(config),
    ...credentialChecks(config, declared),
    ...ownerChecks(config, declared),
    ...dimensionChecks(config),
    ...tokenChecks(config),
    ...limitChecks(config, declared),
  ]
}

function isListed({ refused }: Declared): boolean {
  return ![...refused].some((path) => path === 'classes' || path.startsWith('classes['))
}

function targetChecks(config: Config, { providers }: Declared): Finding[] {
  return Object.entries(config.models).flatMap(([name, { targets, rules }]) => {
    const chains = [
      { path: ['models', name, 'targets'], entries: targets },
      ...rules.map((rule, at) => ({
        path: ['models', name, 'rules', at, 'targets'],
        entries: rule.targets,
      })),
    ]
    return chains.flatMap(({ path, entries }) =>
      entries.flatMap((entry, at) => entryChecks(entry, [...path, at], providers)),
    )
  })
}

function entryChecks(entry: Entry, path: KeyPath, providers: readonly string[]): Finding[] {
  if (entry.choose === 'refuse') return []
  return entry.targets.flatMap(({ provider }, at) => {
    const group = entry.choose === 'only' ? path : [...path, entry.choose, at]
    return absent(provider, providers, { path: [...group, 'provider'], group: 'providers' })
  })
}

function tenantChecks(config: Config, { models }: Declared): Finding[] {
  return Object.entries(config.tenants).flatMap(([name, tenant]) => {
    const unknown = (tenant.models ?? []).flatMap((model, at) =>
      absent(model, models, { path: ['tenants', name, 'models', at], group: 'models' }),
    )
    return [...unknown, ...tenantLimitChecks(name, tenant, models)]
  })
}

/** A limit that names what the tenant can never use would silently bind nothing. */
function tenantLimitChecks(name: string, tenant: Tenant, models: readonly string[]): Finding[] {
  const allowed = tenant.models ?? models
  return tenant.limits.flatMap((limit, at) => {
    const path = ['tenants', name, 'limits', at]
    return (limit.models ?? []).flatMap((model, index) =>
      absent(model, allowed, { path: [...path, 'models', index], group: "the tenant's models" }),
    )
  })
}

function identityChecks({ ambassador: { identity } }: Config, { tenants }: Declared): Finding[] {
  const at = ['ambassador', 'identity']
  const group = 'tenants'
  // An open ambassador's one tenant needs no entry: it may do whatever the defaults allow.
  if (identity.kind === 'open') return []
  if (identity.kind === 'shared-secret') {
    return identity.secrets.flatMap(({ tenant }, index) =>
      absent(tenant, tenants, { path: [...at, 'secrets', index, 'tenant'], group }),
    )
  }
  if (identity.unknown === 'refuse') return []
  return absent(identity.unknown.tenant, tenants, { path: [...at, 'unknown', 'tenant'], group })
}

/** Two claims on one workload would leave it to their order who pays. */
function workloadChecks(config: Config, { tenants }: Declared): Finding[] {
  const claims = new Map<string, string>()
  return Object.entries(config.tenants).flatMap(([name, { workloads }]) =>
    workloads.flatMap(({ namespace, serviceAccount, chooses }, at) => {
      const path = ['tenants', name, 'workloads', at]
      const unknown = (chooses ?? []).flatMap((tenant, index) =>
        absent(tenant, tenants, { path: [...path, 'chooses', index], group: 'tenants' }),
      )
      const workload = `${namespace}/${serviceAccount ?? '*'}`
      const other = claims.get(workload)
      if (other === undefined) {
        claims.set(workload, name)
        return unknown
      }
      const whose = other === name ? 'it a second time' : `it, and so does "${other}"`
      const message = `must be claimed once only: "${name}" claims ${whose}`
      return [...unknown, { path, message }]
    }),
  )
}

/** A replica named twice would get twice its share; a credential's name labels its metrics. */
function repeatChecks(config: Config): Finding[] {
  return Object.entries(config.providers).flatMap(([name, provider]) => {
    const at = ['providers', name]
    const credentials = provider.credentials.map((credential) => credential.name)
    const repeated = repeats(credentials).map((index) => [...at, 'credentials', index, 'name'])
    if (provider.kind === 'vllm') {
      const again = repeats(provider.replicas.addresses)
      repeated.push(...again.map((index) => [...at, 'replicas', 'addresses', index]))
    }
    return repeated.map((path) => ({ path, message: 'must be named once only' }))
  })
}

/** Tokens from a file that nobody names would be none at all. */
function tokenChecks(config: Config): Finding[] {
  return Object.entries(config.providers).flatMap(([name, provider]) => {
    const tokens = provider.kind === 'vllm' ? provider.tokens : undefined
    if (tokens === undefined || tokens.tokenizer !== undefined) return []
    const path = ['providers', name, 'tokens']
    if (tokens.source === 'local') {
      return [{ path: [...path, 'tokenizer'], message: 'must be named: the source is local' }]
    }
    if (tokens.chatTemplate === undefined) return []
    return [{ path: [...path, 'chatTemplate'], message: 'must stand beside a tokenizer' }]
  })
}

/** A limit that the provider does not have would bind nothing. */
function dimensionChecks(config: Config): Finding[] {
  return Object.entries(config.providers).flatMap(([name, provider]) => {
    const preset = provider.kind === 'openai-compatible' ? provider.preset : undefined
    const known = limitsOf(provider.kind, preset)
    const credentials: readonly Credential[] = provider.credentials
    const at = ['providers', name]
    const places: [limits: Credential['limits'], at: KeyPath][] = [
      [provider.limits, [...at, 'limits']],
      ...credentials.map(({ limits }, index): [Credential['limits'], KeyPath] => [
        limits,
        [...at, 'credentials', index, 'limits'],
      ]),
    ]
    const counted =
      known.length === 0 ? 'limits nothing by rate' : `counts only ${known.join(', ')}`
    return places.flatMap(([limits, path]) =>
      Object.keys(limits)
        .filter((limit) => !known.some((one) => one === limit))
        .map((limit) => ({
          path: [...path, limit],
          message: `must be a limit that ${preset ?? provider.kind} has: it ${counted}`,
          suggestion: () => nearest(limit, known),
        })),
    )
  })
}

/** A credential for a model that no target asks for would never be used: a slip in its name. */
function credentialChecks(config: Config, { models }: Declared): Finding[] {
  const known = Object.values(config.models)
  // An entry that was refused may be the one that asks for it.
  if (known.length < models.length) return []
  const askedOf = Map.groupBy(known.flatMap(allTargets), ({ provider }) => provider)
  return Object.entries(config.providers).flatMap(([name, provider]) => {
    const asked = new Set(askedOf.get(name)?.map(({ model }) => model))
    const credentials: readonly Credential[] = provider.credentials
    return credentials.flatMap((credential, at) =>
      namedModels(credential)
        .filter(([model]) => !asked.has(model))
        .map(([model, key]) => ({
          path: ['providers', name, 'credentials', at, ...key],
          message: `must be a model that a target asks "${name}" for, not "${model}"`,
          suggestion: () => nearest(model, [...asked]),
        })),
    )
  })
}

/** A credential whose owner is misspelled would be nobody's, and its tenant would use the shared ones. */
function ownerChecks(config: Config, { tenants: declared }: Declared): Finding[] {
  const { identity } = config.ambassador
  const tenants = identity.kind === 'open' ? [...declared, identity.tenant] : declared
  return Object.entries(config.providers).flatMap(([name, provider]) => {
    const credentials: readonly Credential[] = provider.credentials
    return credentials.flatMap(({ tenant }, at) => {
      const path = ['providers', name, 'credentials', at, 'tenant']
      return tenant === undefined ? [] : absent(tenant, tenants, { path, group: 'tenants' })
    })
  })
}

/** Models that a credential names, each with where it does. */
function namedModels({ models, deployments }: Credential): [model: string, at: KeyPath][] {
  return [
    ...(models ?? []).map((model, at): [string, KeyPath] => [model, ['models', at]]),
    ...Object.keys(deployments ?? {}).map((model): [string, KeyPath] => [
      model,
      ['deployments', model],
    ]),
  ]
}

function repeats(names: readonly string[]): number[] {
  const seen = new Set<string>()
  return names.flatMap((name, at) => (seen.size === seen.add(name).size ? [at] : []))
}

function limitChecks(config: Config, { refused }: Declared): Finding[] {
  const { sidecar, ambassador } = config
  const findings: Finding[] = []
  const check = (keys: readonly string[], holds: boolean, message: string) => {
    const path = (keys[0] ?? '').split('.')
    if (!holds && !keys.some((key) => refused.has(key))) findings.push({ path, message })
  }
  check(
    ['ambassador.keepAlive', 'sidecar.keepAlive'],
    ambassador.keepAlive > sidecar.keepAlive,
    `must be above sidecar.keepAlive, ${formatDuration(sidecar.keepAlive)}: ` +
      'or it closes connections that a sidecar is about to use',
  )
  for (const [half, { bodyMax, bodiesMax }] of Object.entries({ sidecar, ambassador })) {
    check(
      [`${half}.bodiesMax`, `${half}.bodyMax`],
      bodiesMax >= bodyMax,
      `must be at least bodyMax, ${formatSize(bodyMax)}: or the largest body is never let in`,
    )
  }
  return findings
}
