import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Body } from '#shared/http/body.ts'
import type { OriginOptions, Origins } from '#shared/http/client.ts'

/** How replicas are asked for what they say of themselves. */
export interface SignalSettings {
  /** Between two pages of one replica. */
  readonly intervalMs: number
  /** Until an answer has ended; a replica that is late is asked again in its next turn. */
  readonly timeoutMs: number
  /** Between two looks at what changes rarely: models, version. */
  readonly factsMs: number
  /** Longest answer. 16 engines of a real vLLM take about 1.5 MB. */
  readonly bytesMax: number
}

export const signalDefaults: SignalSettings = {
  intervalMs: 1_000,
  timeoutMs: 5_000,
  factsMs: 30_000,
  bytesMax: 4 * 2 ** 20,
}

export interface AskParts {
  readonly clock: Clock
  readonly origins: Pick<Origins, 'exchange'>
  readonly settings: SignalSettings
  /** Ends it early: whoever asked has gone. */
  readonly cancellation: Cancellation
}

export interface Question {
  readonly origin: string
  readonly path: string
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[]
}

export interface Answer {
  readonly status: number
  /** When its head came: what it says was true shortly before. */
  readonly atMs: number
}

/**
 * GETs a page and gives the body of a 200 to `take`, piece by piece; that of another status is read
 * and dropped, so that the connection stays. Rejects with what `exchange` does, `deadline-exceeded`
 * where the body has not ended in time, and `upstream-garbage` where it is too long.
 */
export async function askPage(
  parts: AskParts,
  { origin, path, headers }: Question,
  take: (chunk: Buffer) => void,
): Promise<Answer> {
  const { clock, origins, settings } = parts
  const { timeoutMs } = settings
  const peer = `replica ${origin}`
  // One of its own: a limit of time that one page has run into is none of the next one's.
  const cancellation = new Cancellation()
  const undoParent = parts.cancellation.onCancel((reason) => cancellation.cancel(reason))
  const undoTimer = clock.after(timeoutMs, () =>
    cancellation.cancel(
      new CallError('deadline-exceeded', `Cannot read ${path} of ${peer}: not ended in time`, {
        limitMs: timeoutMs,
      }),
    ),
  )
  try {
    cancellation.check()
    const response = await origins.exchange(
      {
        origin,
        method: 'GET',
        path,
        headers: ['accept-encoding', 'identity', ...headers],
        body: undefined,
      },
      scrapeOptions(settings),
      { headMs: timeoutMs, idleMs: timeoutMs, cancellation, clock, peer },
    )
    const atMs = clock.now()
    const isGood = response.status === 200
    await readPieces(response.body, settings.bytesMax, isGood ? take : () => {})
    return { status: response.status, atMs }
  } finally {
    undoTimer()
    undoParent()
  }
}

/** How replicas are connected to for this; their pools are kept by whoever retains `origins`. */
export function scrapeOptions({ timeoutMs }: SignalSettings): OriginOptions {
  return {
    connectMs: timeoutMs,
    // vLLM closes an idle connection after 5.0 s (measured).
    keepAliveMs: 4_000,
    // A page and, beside it, one of what changes rarely.
    connectionsMax: 2,
    headBytesMax: 16 * 1024,
  }
}

function readPieces(body: Body, bytesMax: number, take: (chunk: Buffer) => void): Promise<void> {
  let bytes = 0
  return new Promise((resolve, reject) => {
    body.pipe({
      write(chunk) {
        bytes += chunk.length
        if (bytes <= bytesMax) {
          take(chunk)
          return true
        }
        body.cancel()
        reject(
          new CallError('upstream-garbage', 'Cannot read the answer: it is too long', { bytesMax }),
        )
        return false
      },
      end: resolve,
      fail: reject,
    })
  })
}
