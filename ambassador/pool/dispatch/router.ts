import type { GpuCharge } from '../fairness/gpu-charge.ts'
import type { TenantView } from '../fairness/tenant-views.ts'
import type { Entry } from '../ledger/entry.ts'
import type { Member } from './member.ts'
import type { PoolCall } from './pool-call.ts'
import type { Work } from './work.ts'

/** A call and where it goes; it is in the ledger already. */
export interface Binding {
  readonly member: Member
  readonly entry: Entry
  /** What vLLM is told as `priority`; undefined to say nothing. */
  readonly priority: number | undefined
  /** What its tenant is charged; to be settled when the call has ended. Absent where nobody counts. */
  readonly charge?: GpuCharge
}

/** Gives each call its replica, at once or later. */
export interface Router {
  /** `bind` is called once, within this call or later. Returns how to take the call back before. */
  submit(call: PoolCall, bind: (binding: Binding) => void): () => void
  /** Something at a replica has ended or begun: calls that wait may fit. */
  changed(): void
  /** What waits and goes before a call of so much, whether it waits too; absent where nobody waits. */
  aheadOf?(call: PoolCall, own: Work): Work
  /** Calls that wait. */
  readonly waiting: number
  /** Up to `count` tenants of each class with what they have had; absent where nobody counts. */
  tenants?(count: number): readonly TenantView[]
}
