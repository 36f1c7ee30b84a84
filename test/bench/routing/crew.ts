import { Worker } from 'node:worker_threads'
import type { UnitResult } from './unit.ts'
import type { Order, WorkerParts } from './worker.ts'

interface CrewParts extends WorkerParts {
  readonly workers: number
  /** Called as orders are done, in any order. */
  readonly onDone: (order: Order, result: UnitResult) => void
}

/** Has the orders done by so many threads. Rejects with the first failure. */
export async function runOrders(orders: readonly Order[], parts: CrewParts): Promise<void> {
  const queue = [...orders]
  const crew = Array.from({ length: Math.min(parts.workers, queue.length) }, () =>
    runQueue(queue, parts),
  )
  await Promise.all(crew)
}

function runQueue(queue: Order[], { onDone, stateFolder, traceFile }: CrewParts): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: { stateFolder, traceFile } satisfies WorkerParts,
  })
  let order: Order | undefined
  const next = () => {
    order = queue.shift()
    if (order !== undefined) worker.postMessage(order, [])
    else worker.terminate().then(() => resolve(), reject)
  }
  worker.on('error', (error) => {
    queue.length = 0
    reject(error)
  })
  worker.on('message', (result: UnitResult) => {
    if (order !== undefined) onDone(order, result)
    next()
  })
  next()
  return promise
}
