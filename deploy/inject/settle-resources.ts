import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { objectAt } from './json.ts'
import { parseQuantity } from './quantity.ts'
import { bounds } from './settings.ts'

type Kind = 'requests' | 'limits'

/**
 * What others may raise a sidecar's resources to: no further than annotations may, and storage to
 * the default of containers on GKE Autopilot. What the platform itself sets is always allowed.
 */
const most: Readonly<Record<Kind, readonly (readonly [name: string, most: string])[]>> = {
  requests: [
    ['cpu', bounds.cpuRequest.most],
    ['memory', bounds.memoryRequest.most],
    ['ephemeral-storage', '1Gi'],
  ],
  limits: [
    ['cpu', bounds.cpuRequest.most],
    ['memory', bounds.memoryLimit.most],
    ['ephemeral-storage', '1Gi'],
  ],
}

/**
 * `found` within bounds where it has every request and limit of `ours` and memory for a start;
 * else `ours`. Of other resources (devices, huge pages, claims) nothing stays.
 */
export function settleResources(found: unknown, ours: unknown): unknown {
  if (!isUsable(found, ours)) return ours
  return {
    requests: within('requests', found, ours),
    limits: within('limits', found, ours),
  }
}

function within(kind: Kind, found: unknown, ours: unknown): JsonObject {
  const theirs = objectAt(found, kind) ?? {}
  const entries = most[kind].flatMap(([name, bound]) => {
    // The template limits no CPU; where another does, not below what the platform requests.
    const own = objectAt(ours, kind)?.[name] ?? objectAt(ours, 'requests')?.[name]
    const highest = amountOf(own) > amountOf(bound) ? own : bound
    const value = theirs[name]
    if (parseQuantity(value) === undefined) return []
    return [[name, amountOf(value) > amountOf(highest) ? highest : value] as const]
  })
  return Object.fromEntries(entries)
}

const amountOf = (quantity: unknown): number => parseQuantity(quantity) ?? 0

/** Every request and limit of the template is there, and memory suffices for a start. */
function isUsable(found: unknown, ours: unknown): boolean {
  const isComplete = ['requests', 'limits'].every((kind) =>
    Object.keys(objectAt(ours, kind) ?? {}).every(
      (name) => parseQuantity(objectAt(found, kind)?.[name]) !== undefined,
    ),
  )
  const limit = amountOf(objectAt(found, 'limits')?.['memory'])
  return isComplete && limit >= amountOf(bounds.memoryLimit.least)
}
