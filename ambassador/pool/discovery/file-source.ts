import { parseDocument } from 'yaml'
import type { Undo } from '#shared/call/clock.ts'
import { FollowedFile, type Made } from '#shared/config/followed-file.ts'
import { poll } from '#shared/config/poll.ts'
import { isObject } from '#shared/dialects/usage.ts'
import type { DiscoveryStatus } from './discovery.ts'
import type { StartParts } from './discovery-switch.ts'
import { type ListedReplicas, listedReplicas } from './listed-replicas.ts'
import { type DiscoveredReplica, replicasMax } from './replicas-of.ts'

type FileParts = Omit<StartParts, 'log'> & {
  readonly log: Pick<StartParts['log'], 'info' | 'warn'>
}

const none: ListedReplicas = { replicas: [], leftOut: 0 }

/**
 * Replicas that a file lists, for those who bring a discovery of their own: YAML or JSON, a list of
 * addresses, each alone or as `{address, zone, state}`. Looked at every 10 s, as all files beside
 * the configuration are. What cannot be read or used leaves the last good list in force; an empty
 * list is a good one.
 */
export class FileSource {
  readonly #parts: FileParts
  readonly #path: string
  readonly #file: FollowedFile<ListedReplicas>
  readonly #undo: Undo
  #seenMs: number | undefined
  #isClosed = false

  /** Has read the file, and told of it where it could, when it returns. */
  constructor(parts: FileParts, path: string) {
    this.#parts = parts
    this.#path = path
    this.#file = new FollowedFile([path], listIn)
    this.#look()
    this.#undo = poll(parts.clock, () => this.#look())
  }

  /** Whether a good list has been read, be it empty. */
  get isSynced(): boolean {
    return this.#file.value !== undefined
  }

  status(): DiscoveryStatus {
    const { replicas, leftOut } = this.#file.value ?? none
    const { trouble } = this.#file
    const serving = replicas.filter(({ state }) => state === 'serving').length
    const stale = this.isSynced ? 'stale' : 'starting'
    const state = trouble === undefined ? 'live' : stale
    return {
      service: this.#path,
      state: this.#isClosed ? 'closed' : state,
      ageMs: this.#seenMs === undefined ? undefined : this.#parts.clock.now() - this.#seenMs,
      error: trouble,
      serving,
      leaving: replicas.length - serving,
      leftOut,
      problems: leftOut > 0 ? [`the file has more than ${replicasMax} replicas`] : [],
    }
  }

  close(): void {
    this.#isClosed = true
    this.#undo()
  }

  #look(): void {
    const { log, clock, onReplicas } = this.#parts
    const outcome = this.#file.look()
    const { value, trouble } = this.#file
    if (trouble === undefined) this.#seenMs = clock.now()
    if (outcome === 'refused') {
      log.warn(
        { file: this.#path, reason: trouble },
        'Cannot read the replicas: the last good list stays',
      )
    }
    if (outcome !== 'taken' || value === undefined) return
    log.info({ file: this.#path, replicas: value.replicas.length }, 'replicas are taken of a file')
    onReplicas(value.replicas)
  }
}

/** The list in a text. Reasons repeat nothing of it: the path may lead to a secret. */
function listIn(texts: readonly string[], last: ListedReplicas | undefined): Made<ListedReplicas> {
  const entries = valueOf(texts.join(''))
  if (!Array.isArray(entries)) {
    return { ok: false, reason: 'it is not a YAML or JSON list of addresses' }
  }
  const named: DiscoveredReplica[] = []
  for (const [at, entry] of entries.entries()) {
    const replica = replicaOf(entry)
    if (replica === undefined) return { ok: false, reason: `entry ${at + 1} ${right}` }
    named.push(replica)
  }
  const value = listedReplicas(named)
  const isSame = last !== undefined && JSON.stringify(last) === JSON.stringify(value)
  return { ok: true, value: isSame ? last : value }
}

const right =
  'must be an address, such as http://10.0.0.1:8000, or { address, zone, state }, ' +
  'where state is serving or leaving'

function valueOf(text: string): unknown {
  try {
    // The parser's own search for equal keys takes minutes for a large map, and quotes lines.
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false })
    return document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 })
  } catch {
    // Nested deeper than the stack, or with aliases, which no list of addresses needs.
    return undefined
  }
}

function replicaOf(entry: unknown): DiscoveredReplica | undefined {
  const { address, zone, state = 'serving', ...rest } = isObject(entry) ? entry : { address: entry }
  const origin = originOf(address)
  const isZone = zone === undefined || (typeof zone === 'string' && zone !== '')
  if (origin === undefined || !isZone || Object.keys(rest).length > 0) return undefined
  if (state !== 'serving' && state !== 'leaving') return undefined
  return { origin, state, zone: typeof zone === 'string' ? zone : undefined }
}

/** As an address is written in the configuration. */
function originOf(address: unknown): string | undefined {
  if (typeof address !== 'string' || !/^https?:\/\/[^\s/?#@]+\/?$/.test(address)) return undefined
  return URL.canParse(address) ? new URL(address).origin : undefined
}
