import { parentPort, workerData } from 'node:worker_threads'
import { RunState } from './run-state.ts'
import { runUnit } from './run-unit.ts'
import type { Unit } from './unit.ts'

/** What a worker is started with. */
export interface WorkerParts {
  readonly stateFolder: string
  readonly traceFile: string
}

/** What it is told to do. */
export interface Order {
  readonly unit: Unit
  readonly names: readonly string[]
}

const { stateFolder, traceFile }: WorkerParts = workerData
const parts = { state: new RunState(stateFolder), traceFile }

parentPort?.on('message', ({ unit, names }: Order) => {
  parentPort?.postMessage(runUnit(unit, names, parts), [])
})
