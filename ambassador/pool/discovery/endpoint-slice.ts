import {
  isJsonObject,
  type JsonObject,
  type KubernetesObject,
} from '#shared/kubernetes/kubernetes-object.ts'

/** The part of an EndpointSlice (`discovery.k8s.io/v1`) that replicas are read from. */
export interface Slice {
  readonly name: string
  readonly addressType: AddressType
  readonly endpoints: readonly Endpoint[]
  /** TCP only; `port` is undefined where the slice leaves it to its readers. */
  readonly ports: readonly SlicePort[]
}

export type AddressType = 'IPv4' | 'IPv6' | 'FQDN'

export interface Endpoint {
  /** The first address: further ones have no meaning (API reference, `Endpoint.addresses`). */
  readonly address: string
  readonly condition: Condition
  /** The pod's uid; undefined where a slice was written by hand. */
  readonly pod: string | undefined
  readonly zone: string | undefined
}

/** What the three conditions say together; `absent` is neither ready nor serving. */
export type Condition = 'ready' | 'leaving' | 'gone' | 'absent'

export interface SlicePort {
  readonly name: string
  readonly port: number | undefined
  readonly isTls: boolean
}

/** The API allows 1,000 endpoints and 100 ports in one slice; a server that sends more is broken. */
const endpointsMax = 1_000
const portsMax = 100

/** Reads an EndpointSlice; undefined where it has no known address type. */
export function sliceOf(object: KubernetesObject): Slice | undefined {
  const addressType = object['addressType']
  if (addressType !== 'IPv4' && addressType !== 'IPv6' && addressType !== 'FQDN') return undefined
  return {
    name: object.metadata.name ?? '',
    addressType,
    // Go writes an empty list as null.
    endpoints: objectsIn(object['endpoints'], endpointsMax).flatMap(endpointOf),
    ports: objectsIn(object['ports'], portsMax).flatMap(portOf),
  }
}

/** The same object with nothing but what {@link sliceOf} reads. */
export function trimmedSlice(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion } = object.metadata
  return {
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    addressType: object['addressType'],
    ports: object['ports'],
    endpoints: objectsIn(object['endpoints'], endpointsMax).map(trimmedEndpoint),
  }
}

function trimmedEndpoint({ addresses, conditions, targetRef, zone }: JsonObject): JsonObject {
  const uid = isJsonObject(targetRef) ? targetRef['uid'] : undefined
  return { addresses, conditions, targetRef: uid === undefined ? undefined : { uid }, zone }
}

function objectsIn(value: unknown, max: number): JsonObject[] {
  return Array.isArray(value) ? value.slice(0, max).filter(isJsonObject) : []
}

function endpointOf({ addresses, conditions, targetRef, zone }: JsonObject): Endpoint[] {
  const address: unknown = Array.isArray(addresses) ? addresses[0] : undefined
  if (typeof address !== 'string' || address === '') return []
  const uid = isJsonObject(targetRef) ? targetRef['uid'] : undefined
  return [
    {
      address,
      condition: conditionOf(isJsonObject(conditions) ? conditions : {}),
      pod: typeof uid === 'string' && uid !== '' ? uid : undefined,
      zone: typeof zone === 'string' && zone !== '' ? zone : undefined,
    },
  ]
}

/**
 * Unknown `ready` means ready, unknown `serving` follows `ready`, unknown `terminating` means no
 * (API reference, `EndpointConditions`). A pod that terminates has been told so and never comes
 * back: it is no more than `leaving`, even where `publishNotReadyAddresses` calls it ready.
 */
function conditionOf({ ready, serving, terminating }: JsonObject): Condition {
  const isReady = ready !== false
  if (terminating !== true) return isReady ? 'ready' : 'absent'
  const isServing = typeof serving === 'boolean' ? serving : isReady
  return isServing ? 'leaving' : 'gone'
}

function portOf({ name, port, protocol, appProtocol }: JsonObject): SlicePort[] {
  if (protocol !== undefined && protocol !== null && protocol !== 'TCP') return []
  return [
    {
      name: typeof name === 'string' ? name : '',
      port: typeof port === 'number' ? port : undefined,
      isTls: appProtocol === 'https',
    },
  ]
}
