import { readFileSync } from 'node:fs'
import { CommandFailure, exits, misuse } from '#deploy/cli/terminal/failure.ts'
import { classesDefault } from '#shared/config/classes.ts'
import { describeProblems, parseConfig } from '#shared/config/load.ts'
import type { Config } from '#shared/config/schema.ts'

/** What a configuration says of the order of calls. */
export interface ReplaySettings {
  /** Classes by rank, the first goes first. */
  readonly classes: readonly string[]
  /** What lower classes get of the replicas' time while higher ones wait, 0 to below 1. */
  readonly lowerShare: number
  /** Of tenants; one that is not named has 1. */
  readonly weights: ReadonlyMap<string, number>
  /** Whether replicas keep an order of priorities, and are told one. */
  readonly isPrioritized: boolean
}

/** Where no configuration is given; the same as the schema says. */
export const settingsDefault: ReplaySettings = {
  classes: classesDefault,
  lowerShare: 0.1,
  weights: new Map(),
  isPrioritized: false,
}

/**
 * As the platform's file at `path` says of `provider`, or of its one pool where none is named. Throws
 * `CommandFailure` where it cannot be read, is invalid, or has no such pool.
 */
export function readSettings(path: string, provider: string | undefined): ReplaySettings {
  const loaded = parseConfig(textOf(path), path)
  if (!loaded.ok) {
    throw new CommandFailure(`Cannot use '${path}': ${describeProblems(loaded.problems)}`, {
      exit: exits.usage,
      remedy: `Run: outrigger config check ${path}.`,
    })
  }
  const { config } = loaded
  const { queue, dispatch } = poolOf(config, provider)
  return {
    classes: config.classes,
    lowerShare: queue.batchPercent / 100,
    weights: new Map(Object.entries(config.tenants).map(([name, { weight }]) => [name, weight])),
    isPrioritized: dispatch.priority,
  }
}

function poolOf({ providers }: Config, asked: string | undefined) {
  const pools = Object.entries(providers).flatMap(([name, provider]) =>
    provider.kind === 'vllm' ? [{ name, provider }] : [],
  )
  const named = asked === undefined ? pools : pools.filter(({ name }) => name === asked)
  const [found, more] = named
  if (found !== undefined && more === undefined) return found.provider
  const names = pools.map(({ name }) => name).join(', ')
  throw misuse(
    'Cannot tell which pool of the configuration is meant.',
    names === '' ? 'It has no provider of kind vllm.' : `Write --provider with one of: ${names}.`,
  )
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const remedy = 'See that the path after --config is right.'
    throw new CommandFailure(`Cannot read '${path}': ${code}.`, { exit: exits.usage, remedy })
  }
}
