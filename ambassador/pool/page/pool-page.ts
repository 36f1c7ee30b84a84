import type { Clock } from '#shared/call/clock.ts'
import type { Page, Pages } from '#shared/lifecycle/admin-server.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { ReplicaPool } from '../pool.ts'
import { pageData } from './page-data.ts'
import { htmlPage, quiet } from './page-html.ts'
import { Timeline } from './timeline.ts'

interface PoolPageParts {
  readonly provider: string
  readonly clock: Clock
  readonly pool: Pick<ReplicaPool, 'replicas' | 'placing'>
  readonly isDraining: () => boolean
}

/** A page for people on the admin port: the pool as it is, asked for anew each second. */
export class PoolPage {
  readonly #parts: PoolPageParts
  readonly #timeline: Timeline
  #html: Page | undefined

  constructor(parts: PoolPageParts) {
    this.#parts = parts
    this.#timeline = new Timeline(parts.clock)
  }

  /** `/pool` for a browser, `/pool.json` for the page and for whoever likes figures. */
  get pages(): Pages {
    return {
      '/pool': () => (this.#html ??= htmlPage()),
      '/pool.json': () => this.#data(),
    }
  }

  /** A call has been given its replica, `heldMs` after it came. */
  placed(heldMs: number): void {
    this.#timeline.placed(heldMs)
  }

  /** Notes at the call’s end how it went. */
  follow(call: AmbassadorCall): void {
    call.atEnd.push(() => this.#ended(call))
  }

  #ended({ startedMs, firstContentMs, isStream, resumption, error }: AmbassadorCall): void {
    if (isStream && firstContentMs !== undefined) {
      this.#timeline.began(startedMs + firstContentMs, firstContentMs)
    }
    if ((resumption?.count ?? 0) > 0) this.#timeline.resumed()
    if (error !== undefined && error.row.origin !== 'client') this.#timeline.failed(error.code)
  }

  #data(): Page {
    const { provider, clock, pool, isDraining } = this.#parts
    const data = pageData({
      provider,
      isDraining: isDraining(),
      status: pool.placing.status(),
      health: pool.replicas,
      timeline: this.#timeline.view(),
      wallMs: clock.wall(),
    })
    const text = `${JSON.stringify(data)}\n`
    return { status: 200, type: 'application/json', text, headers: quiet }
  }
}
