import type { Config } from '#shared/config/schema.ts'
import { allTargets } from '#shared/config/target-schema.ts'

type ByModel = ReadonlyMap<string, readonly string[]>

/** One table a provider of a configuration, made when it is first asked for and gone with it. */
const tables = new WeakMap<Config, Map<string, ByModel>>()

/** The names under `models` that may be served by this provider's `model`. */
export function aliasesOf(config: Config, provider: string, model: string): readonly string[] {
  let byProvider = tables.get(config)
  if (byProvider === undefined) {
    byProvider = new Map()
    tables.set(config, byProvider)
  }
  let byModel = byProvider.get(provider)
  if (byModel === undefined) {
    byModel = tableOf(config, provider)
    byProvider.set(provider, byModel)
  }
  return byModel.get(model) ?? []
}

function tableOf(config: Config, provider: string): ByModel {
  const table = new Map<string, string[]>()
  for (const [alias, model] of Object.entries(config.models)) {
    for (const target of allTargets(model)) {
      if (target.provider !== provider) continue
      const aliases = table.get(target.model) ?? []
      if (!aliases.includes(alias)) aliases.push(alias)
      table.set(target.model, aliases)
    }
  }
  return table
}
