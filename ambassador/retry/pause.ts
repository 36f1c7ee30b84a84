import type { CallContext } from '#shared/call/context.ts'

/** Waits `ms`; throws the reason of the cancelling when that comes first. Leaves no timer behind. */
export async function pause({ clock, cancellation }: CallContext, ms: number): Promise<void> {
  cancellation.check()
  if (ms <= 0) return
  await new Promise<void>((resolve, reject) => {
    const undoTimer = clock.after(ms, () => {
      undoCancel()
      resolve()
    })
    const undoCancel = cancellation.onCancel((reason) => {
      undoTimer()
      reject(reason)
    })
  })
}
