import type { Clock } from '#shared/call/clock.ts'
import { pause } from '#shared/call/pause.ts'
import { type Pages, textPage } from '../admin-server.ts'

interface DiagnosticsParts {
  readonly clock: Clock
  /** Whether the configuration lets somebody take a snapshot of the heap. */
  readonly isHeapOpen: () => boolean
  /** Values that must not be in what is taken. */
  readonly secrets: () => readonly string[]
}

const secondsMax = 60
const secondsDefault = 10

/**
 * What looks into the process, for the loopback alone: `/debug/cpu?seconds=10` profiles, `/debug/heap`
 * takes a snapshot without its texts. One at a time; the code of either is loaded when it is asked for.
 */
export function diagnosticsPages({ clock, isHeapOpen, secrets }: DiagnosticsParts): Pages {
  let isBusy = false
  const alone = async <Answer>(work: () => Promise<Answer>) => {
    if (isBusy) return textPage(503, 'busy: a profile or a snapshot is being taken')
    isBusy = true
    try {
      return await work()
    } finally {
      isBusy = false
    }
  }
  return {
    '/debug/cpu': {
      stream: (query) =>
        alone(async () => {
          const seconds = secondsOf(query)
          if (seconds === undefined) {
            return textPage(400, `write seconds=1 to ${secondsMax}, such as seconds=10`)
          }
          const { CpuProfile } = await import('./cpu-profile.ts')
          const profile = new CpuProfile()
          await pause(clock, seconds * 1_000)
          const found = profile.stop()
          if (found === undefined) return textPage(500, 'the engine gave no profile')
          return { status: 200, type: 'application/json', text: JSON.stringify(found) }
        }),
    },
    '/debug/heap': {
      stream: (_query, response) =>
        alone(async () => {
          if (!isHeapOpen()) return textPage(403, 'set diagnostics.heapSnapshot: true to allow it')
          const { writeHeapSnapshot } = await import('./heap-snapshot.ts')
          response.writeHead(200, { 'content-type': 'application/json' })
          await writeHeapSnapshot(secrets(), response)
          return undefined
        }),
    },
  }
}

/** Undefined where the query says something else. */
function secondsOf(query: string): number | undefined {
  const [, text] = /^(?:seconds=(\d{1,3}))?$/.exec(query) ?? [undefined, 'none']
  const seconds = Number(text ?? secondsDefault)
  return seconds >= 1 && seconds <= secondsMax ? seconds : undefined
}
