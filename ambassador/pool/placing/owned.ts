import type { CallError } from '#shared/errors/call-error.ts'
import { noReplica } from './in-turn.ts'
import type { WaitingCall } from './waiting-calls.ts'

interface Server {
  readonly origin: string
}

/** Whether a replica is the one at this address. */
export function isAt(owner: string): (replica: Server) => boolean {
  return ({ origin }) => origin === owner
}

/** Of those that take calls the one that has what a call goes on with. Throws `no-healthy-replica`. */
export function ownedBy<Member extends Server>(
  owner: string,
  takers: readonly Member[],
): readonly Member[] {
  const found = takers.filter(isAt(owner))
  if (found.length === 0) throw noReplica(takers.length)
  return found
}

/** Why a call that waits cannot be placed any more, of so many `replicas`; undefined where it can. */
export function orphaned(
  takers: readonly Server[],
  replicas: number,
): (call: Pick<WaitingCall, 'owner'>) => CallError | undefined {
  return ({ owner }) =>
    (owner === undefined ? takers.length > 0 : takers.some(isAt(owner)))
      ? undefined
      : noReplica(replicas)
}
