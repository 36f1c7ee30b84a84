import { isObject } from '#shared/dialects/usage.ts'

/** A model that a replica serves; an adapter has a parent. */
export interface ServedModel {
  readonly id: string
  /** The base model of a LoRA adapter. */
  readonly parent: string | undefined
  /** Prompt and output together, in tokens; undefined where it does not say, as for adapters. */
  readonly contextTokens: number | undefined
}

/** Where one engine publishes what its KV cache takes and drops. */
export interface EventSource {
  /** Data-parallel rank. */
  readonly rank: string
  readonly publisher: string
  /** As the server has it: `tcp://*:5557` means its own address. */
  readonly endpoint: string
  readonly replayEndpoint: string | undefined
  readonly topic: string
}

const modelsMax = 4_096
const ranksMax = 1_024

/** The body of `/v1/models`; undefined where it is none. Models beyond 4,096 are left out. */
export function readModels(body: Buffer): readonly ServedModel[] | undefined {
  const page = parsed(body)
  const data: unknown = isObject(page) ? page['data'] : undefined
  if (!Array.isArray(data)) return undefined
  return data.slice(0, modelsMax).flatMap((entry: unknown) => {
    if (!isObject(entry)) return []
    const { id, parent, max_model_len: length } = entry
    if (typeof id !== 'string' || id === '') return []
    return [{ id, parent: text(parent), contextTokens: count(length) }]
  })
}

/** The body of `/version`; undefined where it is none. */
export function readVersion(body: Buffer): string | undefined {
  const page = parsed(body)
  return isObject(page) ? text(page['version'])?.slice(0, 64) : undefined
}

/**
 * The body of `/kv_event_sources`: empty where the server publishes no events; undefined where it
 * is none.
 */
export function readEventSources(body: Buffer): readonly EventSource[] | undefined {
  const page = parsed(body)
  if (!isObject(page)) return undefined
  return Object.entries(page)
    .slice(0, ranksMax)
    .flatMap(([rank, source]) => {
      if (!isObject(source) || source['enable_kv_cache_events'] === false) return []
      const { publisher, endpoint, replay_endpoint: replay, topic } = source
      const isOn = typeof publisher === 'string' && publisher !== 'null'
      if (!isOn || typeof endpoint !== 'string') return []
      return [{ rank, publisher, endpoint, replayEndpoint: text(replay), topic: text(topic) ?? '' }]
    })
}

/** The body of `/load`: calls accepted and not ended; undefined where it is none. */
export function readLoad(body: Buffer): number | undefined {
  const page = parsed(body)
  const load = isObject(page) ? page['server_load'] : undefined
  return typeof load === 'number' && load >= 0 ? load : undefined
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // A page of something else: as good as none.
    return undefined
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}
