import type { ContainerSpec, Pod, Probe } from './pod.ts'
import { answers, passes, wait, watch } from './probes.ts'
import type { Sandbox } from './sandbox.ts'

/** Whatever plays a container: a process, or a test. */
export interface Running {
  /** Its exit code. */
  readonly exited: Promise<number>
  signal(name: 'SIGTERM' | 'SIGKILL'): void
  /** Whether its probes are really asked at the pod's address; otherwise they pass at once. */
  readonly isProbed: boolean
}

/** What a container is started with. Mount paths in it are this machine's own. */
export interface ContainerStart {
  readonly pod: Pod
  readonly spec: ContainerSpec
  readonly kind: 'init' | 'sidecar' | 'application'
  /** The pod's. */
  readonly address: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Where this machine has what the container sees at `mountPath` or below. */
  path(mountPath: string): string
  /** The pod's own network, made when it is asked for. */
  readonly sandbox: Sandbox
}

/** Undefined: nothing runs, and the container does as one that is well. */
export type Play = (start: ContainerStart) => Running | undefined | Promise<Running | undefined>

type State =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly kind: 'running'; readonly since: string }
  | { readonly kind: 'ended'; readonly since: string; readonly at: string; readonly code: number }

/** Kubelet's: the first restart at once, then 10 s, 20 s, … up to 5 min. */
const backoffMs = { first: 10_000, max: 300_000 }

/** One container of a pod: its starts, probes and restarts. */
export class Container {
  readonly spec: ContainerSpec
  /** Settles at the first 200 of the startup probe; never, where that never comes. */
  readonly whenStarted: Promise<void>
  /** Settles once it has ended for good, with the exit code. */
  readonly whenEnded: Promise<number>
  readonly #start: () => Promise<ContainerStart>
  readonly #play: Play
  readonly #onChange: () => void
  readonly #started = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<number>()
  #state: State = { kind: 'waiting', reason: 'PodInitializing' }
  #isStarted = false
  #isReady = false
  #isOver = false
  readonly #stopping = new AbortController()
  #restarts = 0
  #running: Running | undefined

  constructor(parts: {
    spec: ContainerSpec
    start: () => Promise<ContainerStart>
    play: Play
    onChange: () => void
  }) {
    this.spec = parts.spec
    this.#start = parts.start
    this.#play = parts.play
    this.#onChange = parts.onChange
    this.whenStarted = this.#started.promise
    this.whenEnded = this.#ended.promise
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get hasRun(): boolean {
    return this.#state.kind !== 'waiting' || this.#restarts > 0
  }

  /** It runs no more and never will again. */
  get isOver(): boolean {
    return this.#isOver
  }

  get exitCode(): number | undefined {
    return this.#state.kind === 'ended' ? this.#state.code : undefined
  }

  /** Runs it until it has ended for good; `restarts` says after which exit codes it runs again. */
  async run(restarts: (code: number) => boolean): Promise<number> {
    for (;;) {
      const code = await this.#runOnce()
      if (this.#stopping.signal.aborted || !restarts(code)) {
        this.#finish(code)
        return code
      }
      const waitMs = this.#restarts === 0 ? 0 : backoffMs.first * 2 ** (this.#restarts - 1)
      this.#restarts += 1
      if (waitMs > 0) this.#become({ kind: 'waiting', reason: 'CrashLoopBackOff' })
      await wait(Math.min(waitMs, backoffMs.max) / 1_000, this.#stopping.signal)
    }
  }

  /** Sends a signal; before the first start, or between two, it is the end. */
  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.#stopping.abort()
    if (this.#running === undefined) this.#finish(this.exitCode ?? 0)
    else this.#running.signal(name)
  }

  /** As in `status.containerStatuses`. */
  status(): Readonly<Record<string, unknown>> {
    return {
      name: this.spec.name,
      image: this.spec.image,
      imageID: this.spec.image,
      state: stateOf(this.#state),
      started: this.#isStarted,
      ready: this.#isReady,
      restartCount: this.#restarts,
    }
  }

  async #runOnce(): Promise<number> {
    const begun = await this.#begin()
    if (begun === undefined) return 0
    const { start, running } = begun
    this.#running = running
    // Told to end while it was starting.
    if (this.#stopping.signal.aborted) running.signal('SIGTERM')
    const since = now()
    this.#become({ kind: 'running', since })
    const stop = new AbortController()
    void this.#probe(running, start, stop.signal)
    const code = await running.exited
    stop.abort()
    this.#running = undefined
    this.#isStarted = false
    this.#isReady = start.kind === 'init' && code === 0
    this.#become({ kind: 'ended', since, at: now(), code })
    return code
  }

  /** Tries until it runs, or nobody wants it to: what it needs may not be there yet. */
  async #begin(): Promise<{ start: ContainerStart; running: Running } | undefined> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const start = await this.#start()
        if (signal.aborted) return undefined
        return { start, running: (await this.#play(start)) ?? imitation(start.kind) }
      } catch (error) {
        this.#become({ kind: 'waiting', reason: 'CreateContainerError', message: String(error) })
        await wait(1, signal)
      }
    }
    return undefined
  }

  async #probe(running: Running, start: ContainerStart, signal: AbortSignal): Promise<void> {
    const { terminationGracePeriodSeconds: graceSeconds = 30 } = start.pod.spec
    const { startupProbe, readinessProbe, livenessProbe } = this.spec
    const ask = (probe: Probe) => answers(this.spec, probe, start.address)
    const kill = () => {
      running.signal('SIGTERM')
      void wait(graceSeconds, signal).then((isLate) => isLate && running.signal('SIGKILL'))
    }
    const asked = (probe: Probe | undefined) => (running.isProbed ? probe : undefined)
    const isUp = await passes(asked(startupProbe), { ask, signal })
    if (signal.aborted) return
    if (!isUp) return kill()
    this.#isStarted = true
    this.#started.resolve()
    const live = watch(asked(livenessProbe), { ask, signal }, (isLive) => {
      if (!isLive) kill()
    })
    const ready = watch(asked(readinessProbe), { ask, signal }, (isReady) => {
      if (signal.aborted || isReady === this.#isReady) return
      this.#isReady = isReady
      this.#onChange()
    })
    this.#onChange()
    await Promise.all([live, ready])
  }

  #finish(code: number): void {
    this.#isOver = true
    this.#ended.resolve(code)
    this.#onChange()
  }

  #become(state: State): void {
    this.#state = state
    this.#onChange()
  }
}

/** A container without a program: one for setting up ends at once, others when they are told to. */
function imitation(kind: ContainerStart['kind']): Running {
  const { promise, resolve } = Promise.withResolvers<number>()
  if (kind === 'init') resolve(0)
  return { exited: promise, isProbed: false, signal: () => resolve(0) }
}

function stateOf(state: State): Readonly<Record<string, unknown>> {
  if (state.kind === 'waiting') {
    const { reason, message = '' } = state
    return { waiting: { reason, message } }
  }
  if (state.kind === 'running') return { running: { startedAt: state.since } }
  const { since, at, code } = state
  const reason = code === 0 ? 'Completed' : 'Error'
  return { terminated: { exitCode: code, reason, startedAt: since, finishedAt: at } }
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+/, '')
}
