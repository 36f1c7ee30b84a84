import { once } from 'node:events'
import * as v from 'valibot'
import { startOwn } from './processes.ts'

const costSchema = v.object({
  /** Which layers. */
  name: v.string(),
  /** CPU of each repeat, in µs per call or per step. */
  us: v.array(v.number()),
  /** Of each repeat, what it is more than the row that it is compared with; empty without one. */
  addedUs: v.array(v.number()),
})
export type LayersCost = v.InferOutput<typeof costSchema>

/** Runs the layers in a process of their own. */
export async function measureLayers(isQuick: boolean): Promise<readonly LayersCost[]> {
  const { child, process } = await startOwn('layers-cost')
  try {
    const answer = once(child, 'message')
    child.send({ repeats: isQuick ? 1 : 5, calls: isQuick ? 5_000 : 40_000 })
    const [message]: unknown[] = await answer
    return v.parse(v.array(costSchema), message)
  } finally {
    await process.end()
  }
}
