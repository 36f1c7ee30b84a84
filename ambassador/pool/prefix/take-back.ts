import type { LiveHold } from './hold.ts'
import type { Shelves } from './replica-cache.ts'

/**
 * Ends a live hold as though its call had not been sent: what was not there before it goes, but for
 * what another call holds, or has had computed below since. The rest stays where it stood in line.
 */
export function takeBack({ tree, copies }: Shelves, hold: LiveHold, stamp: number): void {
  const { cache, slot, found } = hold
  hold.isLive = false
  let node = hold.node
  let end = hold.blocks
  while (node !== 0) {
    const above = tree.parent(node)
    const start = end - tree.length(node)
    cache.free(node, stamp)
    const copy = copies.find(node, slot)
    const isFree = copies.holds(copy) === 0 && !hasBelow({ tree, copies }, node, slot)
    if (isFree && end > found) cache.trim(copy, end - Math.max(start, found))
    node = above
    end = start
  }
  cache.evict()
}

/** Whether the replica holds anything behind the run: then it has that, too. */
function hasBelow({ tree, copies }: Shelves, node: number, slot: number): boolean {
  let child = tree.child(node)
  while (child !== 0 && copies.find(child, slot) === 0) child = tree.next(child)
  return child !== 0
}
