import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterApi } from '../cluster/api.ts'
import { until } from '../cluster/until.ts'
import { ask } from './daemon.ts'
import { readFacts } from './facts.ts'
import { paths } from './settings.ts'

interface ContainerStatus {
  readonly name: string
  /** `containerd://…` */
  readonly containerID?: string
  readonly restartCount: number
  readonly state: { readonly running?: { readonly startedAt: string } }
}

interface PodObject {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly namespace: string
  }
  readonly status: {
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

/** One line of a container and when the runtime got it, RFC 3339 with nanoseconds. */
export interface LogLine {
  readonly at: string
  readonly facts: Readonly<Record<string, unknown>>
}

/** What a container has written so far. */
export interface ContainerLog {
  read(): readonly LogLine[]
  close(): void
}

/** A pod of the real node: its state by the API server, its processes and files by the machine. */
export class RealPod {
  readonly #api: ClusterApi
  readonly #namespace: string
  readonly name: string

  constructor(api: ClusterApi, namespace: string, name: string) {
    this.#api = api
    this.#namespace = namespace
    this.name = name
  }

  get path(): string {
    return `/api/v1/namespaces/${this.#namespace}/pods/${this.name}`
  }

  read(): Promise<PodObject> {
    return this.#api.get<PodObject>(this.path)
  }

  async whenReady(): Promise<void> {
    await until(`${this.name} ready`, 60_000, async () => {
      const { status } = await this.read()
      const { conditions = [] } = status
      const isReady = conditions.some((one) => one.type === 'Ready' && one.status === 'True')
      // Whoever reads of the failure sees why: what is not scheduled, pulled, started.
      if (!isReady) throw new Error(JSON.stringify(status))
      return true
    })
  }

  async whenGone(): Promise<void> {
    const list = this.path.slice(0, this.path.lastIndexOf('/'))
    await until(`${this.name} gone`, 60_000, async () => {
      const pods = await this.#api.list(list)
      return pods.every(({ metadata }) => metadata.name !== this.name)
    })
  }

  async address(): Promise<string> {
    return (await this.read()).status.podIP ?? ''
  }

  async container(name: string): Promise<ContainerStatus> {
    const { initContainerStatuses = [], containerStatuses = [] } = (await this.read()).status
    const all = [...initContainerStatuses, ...containerStatuses]
    const found = all.find((status) => status.name === name)
    if (found === undefined) throw new Error(`Cannot find ${name} in ${this.name}`)
    return found
  }

  /** The id of a container's first process, in this process's namespace. */
  async process(name: string): Promise<number> {
    const { containerID = '' } = await this.container(name)
    const { ctr, environment } = readFacts()
    const args = ['--address', paths.socket, '--namespace', 'k8s.io', 'task', 'list']
    for (const line of (await ask(ctr, args, environment)).split('\n')) {
      const [id, pid] = line.split(/\s+/)
      if (`containerd://${id}` === containerID) return Number(pid)
    }
    throw new Error(`Cannot find the process of ${name} in ${this.name}`)
  }

  /** A container's lines, which can be read until `close`, also after kubelet took them away. */
  async log(name: string): Promise<ContainerLog> {
    const file = openSync(await this.#logFile(name), 'r')
    return {
      // By path, since reading by number goes on where it stopped.
      read: () => linesOf(readFileSync(`/proc/self/fd/${file}`, 'utf8')),
      close: () => closeSync(file),
    }
  }

  /** Resolves once a container has written a line with all of `wanted`. */
  whenTold(name: string, wanted: Readonly<Record<string, unknown>>): Promise<LogLine> {
    return until(`${JSON.stringify(wanted)} of ${this.name}`, 30_000, async () => {
      const lines = linesOf(readFileSync(await this.#logFile(name), 'utf8'))
      return lines.find(({ facts }) =>
        Object.entries(wanted).every(([key, value]) => facts[key] === value),
      )
    })
  }

  /** Of the container's present life. */
  async #logFile(name: string): Promise<string> {
    const { metadata } = await this.read()
    const { restartCount } = await this.container(name)
    const folder = `${metadata.namespace}_${this.name}_${metadata.uid}`
    return join(paths.podLogs, folder, name, `${restartCount}.log`)
  }

  /** `0640 0:65532` of a file of a volume: what kubelet made of it. */
  async modeOf(volume: string, file: string): Promise<string> {
    const { metadata } = await this.read()
    const path = join(paths.kubelet, 'pods', metadata.uid, 'volumes', volume, file)
    const { mode, uid, gid } = statSync(path)
    return `0${(mode & 0o777).toString(8)} ${uid}:${gid}`
  }
}

/** The runtime's format: time, stream, whether the line is whole, and the text. */
function linesOf(text: string): readonly LogLine[] {
  return text.split('\n').flatMap((line) => {
    const [at = '', , , ...words] = line.split(' ')
    try {
      const facts: Record<string, unknown> = JSON.parse(words.join(' '))
      return [{ at, facts }]
    } catch {
      // Words for people, such as warnings of Node.
      return []
    }
  })
}
