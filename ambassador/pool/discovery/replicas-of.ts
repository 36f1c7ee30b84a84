import type { AddressType, Condition, Endpoint, Slice, SlicePort } from './endpoint-slice.ts'

/** One server of a pool as the cluster sees it. */
export interface DiscoveredReplica {
  /** `http://10.1.2.3:8000`; an IPv6 address stands in brackets. */
  readonly origin: string
  /** `leaving`: it ends soon and takes no new call while any other replica serves. */
  readonly state: 'serving' | 'leaving'
  /** Of its node; undefined where the cluster has no zones. */
  readonly zone: string | undefined
}

export interface Discovered {
  /** At most 256, sorted by origin. */
  readonly replicas: readonly DiscoveredReplica[]
  /** Replicas beyond the limit, those that serve kept first. */
  readonly leftOut: number
  /** What kept endpoints from being replicas, a sentence each; sorted, without repetition. */
  readonly problems: readonly string[]
}

export const replicasMax = 256

/** A port by its name in the Service, or by number; the only one where undefined. */
export type PortChoice = string | number | undefined

/**
 * The replicas that a Service's slices tell of. A pod may stand in several slices: while it moves
 * from one to another, and once per address family, which would count one server twice. Hints are
 * read by nobody: which zone a call goes to is the pool's choice, by load and prefix.
 * Cost: linear in the endpoints, and one sort of the replicas.
 */
export function replicasOf(slices: Iterable<Slice>, port: PortChoice): Discovered {
  const pods = new Map<string, Pod>()
  const problems = new Set<string>()
  for (const slice of slices) {
    const chosen = chosenPort(slice, port)
    if (typeof chosen === 'string') {
      if (slice.endpoints.length > 0) problems.add(chosen)
      continue
    }
    for (const endpoint of slice.endpoints) {
      const origin = originOf(slice.addressType, endpoint.address, chosen)
      if (origin === undefined) {
        problems.add(`EndpointSlice '${slice.name}' has an address that is none`)
      } else note(pods, { origin, endpoint, type: slice.addressType })
    }
  }
  const { replicas, leftOut } = bounded(byOrigin(pods.values()))
  if (leftOut > 0) problems.add(`the Service has more than ${replicasMax} endpoints`)
  return { replicas, leftOut, problems: [...problems].toSorted() }
}

/** One pod, however many slices it stands in. */
interface Pod {
  origin: string
  type: AddressType
  condition: Condition
  zone: string | undefined
}

/** Later conditions win: an end is final, and of a pod that moves one of two slices is behind. */
const order: readonly Condition[] = ['absent', 'ready', 'leaving', 'gone']
const families: readonly AddressType[] = ['IPv4', 'IPv6', 'FQDN']

interface Sighting {
  readonly origin: string
  readonly endpoint: Endpoint
  readonly type: AddressType
}

function note(pods: Map<string, Pod>, { origin, endpoint, type }: Sighting): void {
  const { condition, zone } = endpoint
  // Without a pod the address is all there is; a space is in no uid and in no origin.
  const key = endpoint.pod ?? ` ${origin}`
  const known = pods.get(key)
  if (known === undefined) {
    pods.set(key, { origin, type, condition, zone })
    return
  }
  if (order.indexOf(condition) > order.indexOf(known.condition)) known.condition = condition
  if (zone !== undefined && (known.zone === undefined || zone < known.zone)) known.zone = zone
  const nearer = families.indexOf(type) - families.indexOf(known.type)
  if (nearer < 0 || (nearer === 0 && origin < known.origin)) {
    known.origin = origin
    known.type = type
  }
}

/** An address that went from a pod that ends to one that serves belongs to the latter. */
function byOrigin(pods: Iterable<Pod>): DiscoveredReplica[] {
  const replicas = new Map<string, DiscoveredReplica>()
  for (const { origin, condition, zone } of pods) {
    if (condition === 'absent' || condition === 'gone') continue
    const state = condition === 'ready' ? 'serving' : 'leaving'
    const known = replicas.get(origin)
    const isBetter = known?.state === 'leaving' && state === 'serving'
    const isTie = known?.state === state && (zone ?? '') < (known.zone ?? '')
    if (known === undefined || isBetter || isTie) replicas.set(origin, { origin, state, zone })
  }
  return [...replicas.values()].toSorted(compareOrigins)
}

function compareOrigins(a: DiscoveredReplica, b: DiscoveredReplica): number {
  return a.origin < b.origin ? -1 : 1
}

function bounded(all: DiscoveredReplica[]): Pick<Discovered, 'replicas' | 'leftOut'> {
  if (all.length <= replicasMax) return { replicas: all, leftOut: 0 }
  const isServing = ({ state }: DiscoveredReplica) => state === 'serving'
  const kept = [...all.filter(isServing), ...all.filter((replica) => !isServing(replica))]
  return {
    replicas: kept.slice(0, replicasMax).toSorted(compareOrigins),
    leftOut: all.length - replicasMax,
  }
}

interface Port {
  readonly port: number
  readonly isTls: boolean
}

/** The port that replicas listen on, or the sentence that says why there is none. */
function chosenPort({ name, ports }: Slice, choice: PortChoice): Port | string {
  if (typeof choice === 'number') {
    const isTls = ports.some(({ port, isTls }) => port === choice && isTls)
    return { port: choice, isTls }
  }
  const fitting = choice === undefined ? ports : ports.filter((each) => each.name === choice)
  const [first] = fitting
  if (first === undefined) {
    return choice === undefined
      ? `EndpointSlice '${name}' has no TCP port: set replicas.port`
      : `EndpointSlice '${name}' has no TCP port '${choice}', only ${namesOf(ports)}`
  }
  if (fitting.length > 1) {
    return `EndpointSlice '${name}' has several ports, ${namesOf(ports)}: set replicas.port`
  }
  return first.port === undefined
    ? `EndpointSlice '${name}' leaves its port open: set replicas.port to a number`
    : { port: first.port, isTls: first.isTls }
}

function namesOf(ports: readonly SlicePort[]): string {
  const names = ports.map(({ name, port }) => (name === '' ? `${port}` : `'${name}'`))
  return names.length === 0 ? 'none' : names.toSorted().join(', ')
}

/** Undefined where the address is none: a slice written by hand may hold anything. */
function originOf(type: AddressType, address: string, { port, isTls }: Port): string | undefined {
  const scheme = isTls ? 'https' : 'http'
  const fits = addressPatterns[type].test(address)
  const host = type === 'IPv6' ? `[${address}]` : address
  const origin = `${scheme}://${host}:${port}`
  return fits && port >= 1 && port <= 65_535 && URL.canParse(origin) ? origin : undefined
}

const addressPatterns: Readonly<Record<AddressType, RegExp>> = {
  IPv4: /^\d{1,3}(?:\.\d{1,3}){3}$/,
  IPv6: /^[0-9A-Fa-f:.]{2,45}$/,
  FQDN: /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/,
}
