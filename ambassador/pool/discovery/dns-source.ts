import type { SrvRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import type { Undo } from '#shared/call/clock.ts'
import type { DiscoveryStatus } from './discovery.ts'
import type { StartParts } from './discovery-switch.ts'
import { type ListedReplicas, listedReplicas, originFrom } from './listed-replicas.ts'
import { type DiscoveredReplica, replicasMax } from './replicas-of.ts'

/** Which records stand for the replicas. The name is a whole one: no search domains are tried. */
export type DnsChoice = {
  readonly name: string
  readonly scheme: 'http' | 'https'
  /** Between the end of one look and the next. */
  readonly everyMs: number
} & (
  | { readonly records: 'address'; readonly port: number }
  /** SRV: the port is in the records. */
  | { readonly records: 'service' }
)

/** As much of node’s resolver as is used. */
export interface DnsResolver {
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
  resolveSrv(name: string): Promise<SrvRecord[]>
  /** Rejects what is under way. */
  cancel(): void
}

type DnsParts = Omit<StartParts, 'log'> & {
  readonly log: Pick<StartParts['log'], 'info' | 'warn'>
  /** Node’s own unless given. */
  readonly resolver?: DnsResolver
}

/** A server that is silent is asked twice, so that a look ends within seconds. */
const resolverOptions = { timeout: 2_000, tries: 2 }

/** What a look found: origins as they came, or why there are none. */
type Found =
  | { readonly origins: readonly string[] }
  | { readonly error: string; readonly isEmpty: boolean }

/**
 * Replicas that a name of the DNS stands for, such as a headless Service’s, looked up again and
 * again. The last answer stays while a look fails, and where a name has no record any more: DNS
 * says the same of a pool without a ready pod and of one whose name was lost, and probes know
 * better. IPv6 addresses count where there is no IPv4 one, or a dual-stack pod would be two
 * replicas; with SRV, where each family has a name of its own, that cannot be told. Of SRV records
 * those of the first priority count.
 */
export class DnsSource {
  readonly #parts: DnsParts
  readonly #choice: DnsChoice
  readonly #resolver: DnsResolver
  #found: ListedReplicas | undefined
  #foundMs: number | undefined
  #error: string | undefined
  #told: string | undefined
  #described: string | undefined
  #undo: Undo | undefined
  #isClosed = false

  constructor(parts: DnsParts, choice: DnsChoice) {
    this.#parts = parts
    this.#choice = choice
    this.#resolver = parts.resolver ?? new Resolver(resolverOptions)
    void this.#look()
  }

  /** Whether the DNS has said which replicas there are, be it none. */
  get isSynced(): boolean {
    return this.#found !== undefined
  }

  status(): DiscoveryStatus {
    const { replicas = [], leftOut = 0 } = this.#found ?? {}
    const { clock } = this.#parts
    const failing = this.isSynced ? 'stale' : 'starting'
    const state = this.isSynced && this.#error === undefined ? 'live' : failing
    return {
      service: this.#choice.name,
      state: this.#isClosed ? 'closed' : state,
      ageMs: this.#foundMs === undefined ? undefined : Math.round(clock.now() - this.#foundMs),
      error: this.#error,
      serving: replicas.length,
      leaving: 0,
      leftOut,
      problems: leftOut > 0 ? [`the name has more than ${replicasMax} records`] : [],
    }
  }

  /** Tells of no replica afterwards; no question and no timer is left. */
  close(): void {
    this.#isClosed = true
    this.#undo?.()
    this.#resolver.cancel()
  }

  async #look(): Promise<void> {
    const { records, name } = this.#choice
    const found = await (records === 'service' ? this.#services(name) : this.#addresses(name))
    if (this.#isClosed) return
    this.#settle(found)
    this.#undo = this.#parts.clock.after(this.#choice.everyMs, () => void this.#look())
  }

  #settle(found: Found): void {
    const { clock, onReplicas } = this.#parts
    if ('error' in found && (this.#found !== undefined || !found.isEmpty)) {
      this.#describe(found.error)
      return
    }
    const origins = 'error' in found ? [] : found.origins
    this.#found = listedReplicas(origins.map(serving))
    this.#foundMs = clock.now()
    this.#describe('error' in found ? found.error : undefined)
    const told = JSON.stringify(this.#found.replicas)
    if (told === this.#told) return
    this.#told = told
    onReplicas(this.#found.replicas)
  }

  /** Each look that ends the same way is no news. */
  #describe(error: string | undefined): void {
    const { log } = this.#parts
    const facts = { name: this.#choice.name }
    this.#error = error
    const described = error ?? 'good'
    if (described === this.#described) return
    this.#described = described
    if (error === undefined) log.info(facts, 'replicas are followed by DNS')
    else log.warn({ ...facts, reason: error }, 'Cannot look up replicas: the last known ones stay')
  }

  async #addresses(name: string): Promise<Found> {
    const [four, six] = await Promise.all([
      answerOf(this.#resolver.resolve4(name)),
      answerOf(this.#resolver.resolve6(name)),
    ])
    const { scheme } = this.#choice
    const port = 'port' in this.#choice ? this.#choice.port : 0
    const found = (hosts: readonly string[]) =>
      foundIn(hosts.flatMap((host) => originFrom(scheme, host, port) ?? []))
    if ('records' in four) return found(four.records)
    // A family that was not answered may be the one that the replicas have.
    if (!four.isEmpty) return four
    return 'records' in six ? found(six.records) : six
  }

  async #services(name: string): Promise<Found> {
    const answer = await answerOf(this.#resolver.resolveSrv(name))
    if (!('records' in answer)) return answer
    const first = Math.min(...answer.records.map(({ priority }) => priority))
    const { scheme } = this.#choice
    const chosen = answer.records.filter(({ priority }) => priority === first)
    return foundIn(
      chosen.flatMap(
        ({ name: host, port }) => originFrom(scheme, host.replace(/\.$/, ''), port) ?? [],
      ),
    )
  }
}

/** Records that name no address, such as SRV's dot, are as good as none. */
function foundIn(origins: readonly string[]): Found {
  return origins.length > 0 ? { origins } : { error: 'its records name no address', isEmpty: true }
}

const serving = (origin: string): DiscoveredReplica => ({
  origin,
  state: 'serving',
  zone: undefined,
})

type Records<T> =
  | { readonly records: readonly T[] }
  | { readonly error: string; readonly isEmpty: boolean }

/** What a name that is not there and one without such a record are answered with. */
const emptyCodes: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA'])

async function answerOf<T>(question: Promise<readonly T[]>): Promise<Records<T>> {
  try {
    const records = await question
    return records.length > 0 ? { records } : { error: 'it has no record', isEmpty: true }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const isEmpty = emptyCodes.has(code)
    return { error: isEmpty ? 'it has no record' : `it cannot be asked for: ${code}`, isEmpty }
  }
}
