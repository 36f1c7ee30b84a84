import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterApi } from '../api.ts'
import { ApiError } from '../api-error.ts'
import { Container, type Play } from './container.ts'
import { ContainerStarts } from './container-starts.ts'
import { isSidecar, type Pod, pathOf } from './pod.ts'
import { PodVolumes } from './pod-volumes.ts'
import { wait } from './probes.ts'
import { nodeAddress, Sandbox } from './sandbox.ts'

export interface PodParts {
  readonly api: ClusterApi
  readonly address: string
  /** Of this pod alone; removed with it. */
  readonly directory: string
  readonly play: Play
}

const removalLimitMs = 300_000

/** One pod on the node, from its binding to its removal, in kubelet's order. */
export class PodLife {
  readonly volumes: PodVolumes
  readonly address: string
  readonly #parts: PodParts
  readonly #sandbox: Sandbox
  readonly #starting: readonly Container[]
  readonly #applications: readonly Container[]
  readonly #startTime = new Date().toISOString()
  readonly #over = new AbortController()
  #pod: Pod
  #isInitialized = false
  #isDirty = false
  #reporting: Promise<void> | undefined

  constructor(pod: Pod, parts: PodParts) {
    this.#pod = pod
    this.#parts = parts
    this.address = parts.address
    const { api, address, directory, play } = parts
    this.volumes = new PodVolumes({ api, address, directory: join(directory, 'volumes') })
    this.#sandbox = new Sandbox(address)
    const starts = new ContainerStarts({
      api,
      address,
      volumes: this.volumes,
      sandbox: this.#sandbox,
    })
    const container = (spec: Pod['spec']['containers'][number], isInit: boolean) => {
      const own = isSidecar(spec) ? 'sidecar' : 'init'
      const kind = isInit ? own : 'application'
      const start = () => starts.of(this.#pod, spec, kind)
      return new Container({ spec, start, play, onChange: () => this.#report() })
    }
    this.#starting = (pod.spec.initContainers ?? []).map((spec) => container(spec, true))
    this.#applications = pod.spec.containers.map((spec) => container(spec, false))
  }

  /** As last seen. */
  get pod(): Pod {
    return this.#pod
  }

  /** Starts everything in order; once all applications have ended for good, sidecars end too. */
  async run(): Promise<void> {
    await mkdir(this.#parts.directory, { recursive: true })
    this.#report()
    if (!(await this.#mount())) return
    const policy = this.#pod.spec.restartPolicy ?? 'Always'
    for (const container of this.#starting) {
      if (this.#over.signal.aborted) return
      if (isSidecar(container.spec)) {
        void container.run(() => true)
        await Promise.race([container.whenStarted, container.whenEnded])
      } else {
        const code = await container.run((code) => code !== 0 && policy !== 'Never')
        if (code !== 0) {
          await this.#endSidecars()
          return this.#report()
        }
      }
    }
    if (this.#over.signal.aborted) return
    this.#isInitialized = true
    const isAgain = (code: number) => policy === 'Always' || (policy === 'OnFailure' && code !== 0)
    await Promise.all(this.#applications.map((container) => container.run(isAgain)))
    // Where the pod is being deleted, that is in charge of the sidecars.
    if (!this.#over.signal.aborted) await this.#endSidecars()
    this.#report()
  }

  /** What the API server says of it has changed: other annotations or labels bring a sync. */
  async change(pod: Pod): Promise<void> {
    const before = this.#pod
    this.#pod = pod
    const told = ({ metadata }: Pod) => JSON.stringify([metadata.labels, metadata.annotations])
    if (told(before) !== told(pod)) await this.volumes.sync(pod)
  }

  /**
   * Applications first, all at once; then sidecars from the last to the first, each after the one
   * behind it has ended; what is left when the grace period ends is killed. Then the pod is removed.
   */
  async terminate(graceSeconds: number): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    const ended = new AbortController()
    void wait(graceSeconds, ended.signal).then((isLate) => isLate && this.kill())
    const first = [...this.#applications, ...this.#starting.filter(({ spec }) => !isSidecar(spec))]
    for (const container of first) container.signal('SIGTERM')
    await Promise.all(first.map(({ whenEnded }) => whenEnded))
    await this.#endSidecars()
    ended.abort()
    this.#report()
    await this.#reporting
    await this.#remove()
    await this.forget()
  }

  /** SIGKILL for everything. */
  kill(): void {
    this.#over.abort()
    for (const each of [...this.#applications, ...this.#starting]) each.signal('SIGKILL')
  }

  /** Removes the files of a pod that has ended. */
  async forget(): Promise<void> {
    await this.volumes.close()
    this.#sandbox.close()
    await rm(this.#parts.directory, { recursive: true, force: true })
  }

  /** False where the pod is over before its volumes could be written. */
  async #mount(): Promise<boolean> {
    while (!this.#over.signal.aborted) {
      try {
        await this.volumes.sync(this.#pod)
        return true
      } catch {
        // Something is not there yet, or the API server is away: kubelet tries again as well.
        await wait(0.5, this.#over.signal)
      }
    }
    return false
  }

  async #endSidecars(): Promise<void> {
    for (const container of this.#starting.toReversed()) {
      if (!isSidecar(container.spec)) continue
      container.signal('SIGTERM')
      await container.whenEnded
    }
  }

  /** Takes the pod out of the API server, however long that is away. */
  async #remove(): Promise<void> {
    const { uid } = this.#pod.metadata
    const options = { gracePeriodSeconds: 0, preconditions: { uid } }
    const limit = AbortSignal.timeout(removalLimitMs)
    do {
      try {
        await this.#parts.api.remove(pathOf(this.#pod), options)
        return
      } catch (error) {
        if (isGone(error)) return
      }
    } while (await wait(0.5, limit))
  }

  /** Sends the status now, or once more after the sending that is under way. */
  #report(): void {
    this.#isDirty = true
    this.#reporting ??= this.#send().finally(() => {
      this.#reporting = undefined
    })
  }

  async #send(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false
      const { uid } = this.#pod.metadata
      const body = { metadata: { uid }, status: this.#status() }
      try {
        await this.#parts.api.patch(`${pathOf(this.#pod)}/status`, body, 'strategic')
      } catch (error) {
        if (isGone(error)) return
        // The API server is away: what it says of the pod is put right once it is back.
        this.#isDirty = true
        await wait(0.5, AbortSignal.timeout(60_000))
      }
    }
  }

  #status(): Readonly<Record<string, unknown>> {
    const { address } = this.#parts
    const sidecars = this.#starting.filter(({ spec }) => isSidecar(spec))
    const areReady = [...this.#applications, ...sidecars].every(({ isReady }) => isReady)
    return {
      phase: this.#phase(),
      hostIP: nodeAddress,
      podIP: address,
      podIPs: [{ ip: address }],
      startTime: this.#startTime.replace(/\.\d+/, ''),
      initContainerStatuses: this.#starting.map((container) => container.status()),
      containerStatuses: this.#applications.map((container) => container.status()),
      conditions: [
        condition('PodReadyToStartContainers', true),
        condition('Initialized', this.#isInitialized),
        condition('ContainersReady', areReady),
        condition('Ready', areReady),
      ],
    }
  }

  #phase(): string {
    const failedInit = this.#starting.some(({ spec, isOver, exitCode }) => {
      return !isSidecar(spec) && isOver && exitCode !== 0
    })
    if (failedInit) return 'Failed'
    if (!this.#applications.some(({ hasRun }) => hasRun)) return 'Pending'
    if (!this.#applications.every(({ isOver }) => isOver)) return 'Running'
    return this.#applications.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed'
  }
}

function condition(type: string, holds: boolean): Readonly<Record<string, unknown>> {
  return { type, status: holds ? 'True' : 'False' }
}

/** Nobody has this pod any more, or another one has its name. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 409)
}
