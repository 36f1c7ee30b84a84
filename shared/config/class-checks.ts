import { absent } from './absent.ts'
import { usualClass } from './classes.ts'
import type { Finding, KeyPath } from './problems.ts'
import type { Config } from './schema.ts'

/** Names of classes that are none would bind nothing, and calls of them would be refused. */
export function classChecks(config: Config): Finding[] {
  return [...ofTenants(config), ...ofRules(config), ...ofProviders(config)]
}

function ofTenants({ classes, tenants }: Config): Finding[] {
  return Object.entries(tenants).flatMap(([name, tenant]) => {
    const at = ['tenants', name]
    const own = tenant.classes ?? classes
    const found = (tenant.classes ?? []).flatMap((each, index) =>
      absentClass(each, classes, [...at, 'classes', index]),
    )
    // A limit that names what the tenant can never use would silently bind nothing.
    const ofLimits = tenant.limits.flatMap((limit, index) =>
      (limit.classes ?? []).flatMap((each, which) =>
        absent(each, own, {
          path: [...at, 'limits', index, 'classes', which],
          group: "the tenant's classes",
        }),
      ),
    )
    if (own.includes(tenant.class ?? usualClass(classes))) return [...found, ...ofLimits]
    const message = `must be one of the tenant's classes, ${own.join(', ')}`
    return [...found, ...ofLimits, { path: [...at, 'class'], message }]
  })
}

function ofRules({ classes, models }: Config): Finding[] {
  return Object.entries(models).flatMap(([name, { rules }]) =>
    rules.flatMap(({ when }, at) =>
      when.class === undefined
        ? []
        : absentClass(when.class, classes, ['models', name, 'rules', at, 'when', 'class']),
    ),
  )
}

/** These have a default, so that they are there whether a class has their name or not. */
const queueKeys = ['interactive', 'batch', 'tenantPercent', 'batchPercent']

function ofProviders({ classes, providers }: Config): Finding[] {
  const inQueue = [...classes, ...queueKeys.filter((key) => !classes.includes(key))]
  return Object.entries(providers).flatMap(([name, provider]) => {
    const at = ['providers', name]
    const promised = provider.kind === 'vllm' ? Object.keys(provider.dispatch.classes) : []
    return [
      ...promised.flatMap((each) =>
        absentClass(each, classes, [...at, 'dispatch', 'classes', each]),
      ),
      ...Object.keys(provider.queue).flatMap((key) =>
        inQueue.includes(key) ? [] : absentClass(key, inQueue, [...at, 'queue', key]),
      ),
    ]
  })
}

function absentClass(name: string, names: readonly string[], path: KeyPath): Finding[] {
  return absent(name, names, { path, group: 'classes' })
}
