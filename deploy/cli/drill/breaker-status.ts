import { isMap } from '#shared/config/problems.ts'

/** One breaker on the status page of its ambassador. */
export interface BreakerRow {
  readonly credential: string
  readonly model: string
  readonly state: string
  /** Until a call may pass; 0 where the next one does. */
  readonly nextProbeMs: number
}

const askMsMax = 2_000

/** What an ambassador says of its provider. */
export interface ProviderStatus {
  readonly breakers: readonly BreakerRow[]
  /** Names of credentials that are not asked for now. */
  readonly putAside: readonly string[]
}

/** Of the ambassador at `port`; nothing where it does not answer. */
export async function statusAt(port: number): Promise<ProviderStatus> {
  try {
    const signal = AbortSignal.timeout(askMsMax)
    const answer = await fetch(`http://127.0.0.1:${port + 2}/statusz`, { signal })
    const status: unknown = await answer.json()
    const { breakers: rows, providerLimits: limits } = isMap(status) ? status : {}
    const names = isMap(limits) ? limits['putAside'] : undefined
    return {
      breakers: Array.isArray(rows) ? rows.flatMap(breakerRow) : [],
      putAside: Array.isArray(names) ? names.map(String) : [],
    }
  } catch {
    // It ends or is busy: its log has told what there is to know.
    return { breakers: [], putAside: [] }
  }
}

function breakerRow(row: unknown): BreakerRow[] {
  if (!isMap(row)) return []
  const { credential, model, state, nextProbeMs } = row
  return [
    {
      credential: String(credential),
      model: String(model),
      state: String(state),
      nextProbeMs: Number(nextProbeMs),
    },
  ]
}
