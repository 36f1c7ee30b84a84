import type { Clock } from '#shared/call/clock.ts'
import type { Taken } from './account.ts'
import type { Answer, Credential } from './credential.ts'
import type { LimitShape, Used } from './shape.ts'
import type { Waiter } from './waiter.ts'

/** What all permits of a quota have in common. */
export interface PermitParts {
  readonly clock: Clock
  readonly shape: LimitShape
  /** Told when there may be more room than before. */
  readonly onRoom: () => void
  /** Told when the provider refused a call for a limit. */
  readonly onRefusal: () => void
  /** Told when calls may wait for nothing. */
  readonly onBar: () => void
}

/** What one permit is for. */
export interface Grant {
  readonly waiter: Waiter
  readonly credential: Credential
  readonly taken: Taken
}

/**
 * The right to send one call by one credential. Exactly one ending counts, whichever comes first: the
 * call was refused for a limit (`observe`), it was sent (`settle`), it was answered without any work
 * (`dismiss`), or it never was sent (`release`). The layer that asked for it must see to one of them on every path.
 */
export class Permit {
  readonly #parts: PermitParts
  readonly #grant: Grant
  #isOver = false

  constructor(parts: PermitParts, grant: Grant) {
    this.#parts = parts
    this.#grant = grant
  }

  /** Name of the credential to send by. */
  get credential(): string {
    return this.#grant.credential.name
  }

  /** Nothing more goes by its credential until then, for one model or for all: it was refused. */
  bar(untilMs: number, model: string | undefined): void {
    this.#grant.credential.bar(untilMs, model)
    this.#parts.onBar()
  }

  /** The answer's head, and the body of a 429. */
  observe(answer: Answer): void {
    if (this.#isOver) return
    const { clock, onRoom, onRefusal } = this.#parts
    const { credential, taken } = this.#grant
    const moment = { nowMs: clock.now(), wallMs: clock.wall() }
    this.#isOver = credential.observe(answer, taken, moment)
    if (!this.#isOver) return onRoom()
    this.#cost(0)
    onRefusal()
  }

  /** The body has ended, in whichever way; `used` is undefined where nothing is known of it. */
  settle(used: Used | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    const { clock, shape, onRoom } = this.#parts
    const { waiter, taken, credential } = this.#grant
    if (used !== undefined) {
      const { want, tenant } = waiter
      tenant.habits.learn(want, used)
      const allowed = { ...used, outputMax: want.outputTokensMax }
      this.#cost((shape.final?.(used) ?? shape.reserve(allowed)).tokens)
    }
    const final = used === undefined ? undefined : shape.final?.(used)
    credential.settle(taken, final, clock.now())
    onRoom()
  }

  /** The provider answered and did not work: what was reserved of tokens is free again. */
  dismiss(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { credential, taken } = this.#grant
    this.#cost(0)
    credential.dismiss(taken, this.#parts.clock.now())
    this.#parts.onRoom()
  }

  /** The call was not sent: what it had reserved is free again. */
  release(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { credential, taken } = this.#grant
    this.#cost(0)
    credential.cancel(taken, this.#parts.clock.now())
    this.#parts.onRoom()
  }

  /** Between tenants the call counts for what it came to. */
  #cost(cost: number): void {
    const { queue, tenant, cost: charged } = this.#grant.waiter
    queue.correct(tenant, cost - charged)
  }
}
