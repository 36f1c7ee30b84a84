import type { Clock, Undo } from '#shared/call/clock.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { serverVersion } from '#shared/kubernetes/server-version.ts'
import type { Log } from '#shared/telemetry/access-log.ts'

export interface ServerVersionParts {
  readonly api: Pick<KubernetesApi, 'text'>
  readonly clock: Pick<Clock, 'after' | 'random'>
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Told once, such as `v1.36.3`. */
  readonly onVersion: (version: string) => void
}

/** An API server that restarts is back within seconds; one that is away for long is not hurried. */
const firstWaitMs = 1_000
const waitMsMax = 60_000

/**
 * Asks the API server for its version until it says one, at waits that double from 1 s to 60 s, each
 * between half and whole by chance. The log has the first failure and the answer.
 */
export function askVersion({ api, clock, log, onVersion }: ServerVersionParts): Undo {
  let isOver = false
  let undo: Undo = () => {}
  const ask = async (waitMs: number): Promise<void> => {
    const answer = await answerOf(api)
    if (isOver) return
    if (answer.ok) {
      if (waitMs > firstWaitMs)
        log.info({ version: answer.version }, 'the API server said its version')
      return onVersion(answer.version)
    }
    if (waitMs === firstWaitMs) {
      log.warn({ error: answer.reason }, 'Cannot ask the API server for its version: asked again')
    }
    undo = clock.after(waitMs * (0.5 + clock.random() / 2), () => {
      void ask(Math.min(waitMs * 2, waitMsMax))
    })
  }
  void ask(firstWaitMs)
  return () => {
    isOver = true
    undo()
  }
}

type Answer =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly reason: string }

async function answerOf(api: Pick<KubernetesApi, 'text'>): Promise<Answer> {
  try {
    const version = await serverVersion(api)
    if (version !== undefined) return { ok: true, version }
    return { ok: false, reason: 'the answer has no gitVersion' }
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error
    return { ok: false, reason: error.message }
  }
}
