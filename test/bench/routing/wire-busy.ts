import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { cpuMs, starvedMs } from '../cpu.ts'

/** How busy whom: shares of one core, but of the machine a share of all its cores. */
export interface Busy {
  readonly gateway: number
  /** Of the time, how long the gateway's main thread could have run and had no core. */
  readonly gatewayStarved: number
  /** This process, which makes the calls. */
  readonly generator: number
  /** The busiest of the simulated replicas. */
  readonly replica: number
  /** Everybody on it, strangers too. */
  readonly machine: number
}

interface Reading {
  readonly atMs: number
  readonly gatewayMs: number
  readonly starvedMs: number
  readonly generatorMs: number
  readonly replicasMs: ReadonlyMap<number, number>
  readonly machine: { readonly busyMs: number; readonly allMs: number }
}

/** Reads the CPU time of a gateway, of the replicas and of this process, from here to `end`. */
export class BusyWatch {
  readonly #gateway: number
  readonly #replicas: readonly number[]
  readonly #start: Reading

  /** @param gateway its process id; those in `others` are neither its nor a replica's. */
  constructor(gateway: number, others: readonly number[]) {
    this.#gateway = gateway
    const isReplica = (pid: number) => pid !== gateway && !others.includes(pid)
    this.#replicas = childrenOf(process.pid).filter(isReplica)
    this.#start = this.#read()
  }

  end(): Busy {
    const from = this.#start
    const to = this.#read()
    const ms = to.atMs - from.atMs
    const ofReplicas = this.#replicas.map((pid) => {
      return (to.replicasMs.get(pid) ?? 0) - (from.replicasMs.get(pid) ?? 0)
    })
    return {
      gateway: (to.gatewayMs - from.gatewayMs) / ms,
      gatewayStarved: (to.starvedMs - from.starvedMs) / ms,
      generator: (to.generatorMs - from.generatorMs) / ms,
      replica: Math.max(0, ...ofReplicas) / ms,
      machine: (to.machine.busyMs - from.machine.busyMs) / (to.machine.allMs - from.machine.allMs),
    }
  }

  #read(): Reading {
    return {
      atMs: performance.now(),
      gatewayMs: cpuMs(this.#gateway),
      starvedMs: starvedMs(this.#gateway),
      generatorMs: cpuMs(process.pid),
      replicasMs: new Map(this.#replicas.map((pid) => [pid, cpuMs(pid)])),
      machine: machineMs(),
    }
  }
}

/** Processes that this one's main thread has started and that still run. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .split(' ')
    .map(Number)
    .filter((child) => child > 0)
}

function machineMs(): { readonly busyMs: number; readonly allMs: number } {
  let busyMs = 0
  let idleMs = 0
  for (const { times } of cpus()) {
    busyMs += times.user + times.nice + times.sys + times.irq
    idleMs += times.idle
  }
  return { busyMs, allMs: busyMs + idleMs }
}
