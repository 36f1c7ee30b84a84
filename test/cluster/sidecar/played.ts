import { join } from 'node:path'
import type { ContainerStart } from '../node/container.ts'
import { type ContainerProcess, startInPod, startProcess } from '../node/container-process.ts'
import { until } from '../until.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const application = join(import.meta.dirname, 'application.ts')

/** What happened to a pod's processes, in order: `application started`, `application exited 0`. */
type PodEvents = readonly string[]

/**
 * Plays containers by name: `ambassador` and `outrigger-sidecar` by their real entries,
 * `application` by one that calls what its variables name. All others just are well.
 */
export class Played {
  readonly #processes = new Map<string, ContainerProcess[]>()
  readonly #events = new Map<string, string[]>()

  readonly play = async (start: ContainerStart): Promise<ContainerProcess | undefined> => {
    const { name } = start.spec
    const own = await this.#start(start)
    if (own === undefined) return undefined
    const pod = start.pod.metadata.name
    const tell = (what: string) => {
      this.#events.set(pod, [...this.events(pod), `${name} ${what}`])
    }
    tell('started')
    void own.exited.then((code) => tell(`exited ${code}`))
    const key = `${pod}/${name}`
    this.#processes.set(key, [...(this.#processes.get(key) ?? []), own])
    return {
      ...own,
      signal(signal) {
        tell(signal)
        own.signal(signal)
      },
    }
  }

  events(pod: string): PodEvents {
    return this.#events.get(pod) ?? []
  }

  /** The process that was started last for a container; rejects where none is within 30 s. */
  process(pod: string, container: string): Promise<ContainerProcess> {
    return until(`${container} of ${pod} started`, 60_000, async () =>
      this.#processes.get(`${pod}/${container}`)?.at(-1),
    )
  }

  #start(start: ContainerStart) {
    const { args, address } = start
    const entry = (half: string) => join(root, half, 'main.ts')
    if (start.spec.name === 'outrigger-sidecar') {
      return startInPod(start, process.execPath, [entry('sidecar'), ...args])
    }
    if (start.spec.name === 'application') {
      return startInPod(start, process.execPath, [application, ...args])
    }
    if (start.spec.name !== 'ambassador') return undefined
    // In the suite's network, where the provider is; on the pod's address alone.
    const places = ['--host', address, '--probes-host', address, '--admin-port', '0']
    return startProcess(start, process.execPath, [entry('ambassador'), ...args, ...places])
  }
}
