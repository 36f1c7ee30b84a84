import { readEntry } from '#deploy/local/lines.ts'

/** One change of a breaker, as its ambassador logged it. */
export interface BreakerMove {
  readonly provider: string
  readonly credential: string
  readonly model: string
  readonly to: string
  readonly cause: string
  /** ms since 1970. */
  readonly atMs: number
}

/** What ambassadors wrote of one call. */
export interface LedgerEntry {
  readonly attemptsByProvider: Map<string, number>
}

/** Collects what the children log: the ledger lines by call, and the moves of breakers. */
export class Journal {
  readonly ledger = new Map<string, LedgerEntry>()
  readonly breakers: BreakerMove[] = []
  /** Words of the launcher: deaths and returns. */
  readonly events: string[] = []
  readonly #onBreaker: (move: BreakerMove) => void

  constructor(onBreaker: (move: BreakerMove) => void) {
    this.#onBreaker = onBreaker
  }

  /** Takes one JSON line of the launcher's output. */
  take(line: string): void {
    const entry = readEntry(line)
    if (entry === undefined) return
    const child = String(entry['child'])
    if (child === 'local' && entry['level'] !== 'info') this.events.push(String(entry['msg']))
    if (entry['msg'] === 'call' && entry['half'] === 'ambassador') {
      this.#count(child, String(entry['call']), Number(entry['attempts']))
    }
    if (entry['msg'] !== 'breaker') return
    const move = {
      provider: child,
      credential: String(entry['credential']),
      model: String(entry['model']),
      to: String(entry['to']),
      cause: String(entry['cause']),
      atMs: Number(entry['time']),
    }
    this.breakers.push(move)
    this.#onBreaker(move)
  }

  /** Tries at `provider`, of all calls. */
  attemptsAt(provider: string): number {
    const made = [...this.ledger.values()].map((entry) => entry.attemptsByProvider.get(provider))
    return made.reduce<number>((sum, attempts) => sum + (attempts ?? 0), 0)
  }

  #count(provider: string, id: string, attempts: number): void {
    const known = this.ledger.get(id) ?? { attemptsByProvider: new Map<string, number>() }
    const before = known.attemptsByProvider.get(provider) ?? 0
    known.attemptsByProvider.set(provider, before + attempts)
    this.ledger.set(id, known)
  }
}
