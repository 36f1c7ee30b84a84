import { setImmediate } from 'node:timers/promises'
import type { CallContext } from '#shared/call/context.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { scanLarge } from '#shared/tokens/large-json/scan-large.ts'
import { NotAnObject, scanTopLevel, type ValueRange } from './top-level.ts'

/** Beyond this many bytes a body is looked at beside other work. */
export const largeBytes = 512 * 1024

/** Where the members stand that were asked for. */
export interface TopLevel {
  readonly values: ReadonlyMap<string, ValueRange>
  /** One that occurs twice: readers disagree on which one counts. */
  readonly repeated: string | undefined
}

/** Lets other work run. */
export type Pause = () => Promise<unknown>

/**
 * Finds the wanted members of a question's body: at once, or of a large one in steps of about 1 ms.
 * Throws or rejects with `invalid-json` and the place (a body that is broken inside a value may
 * pass), or with the reason of a cancellation.
 */
export function scanBody(
  body: Buffer,
  wanted: readonly string[],
  { cancellation, pause = setImmediate }: Pick<CallContext, 'cancellation'> & { pause?: Pause },
): TopLevel | Promise<TopLevel> {
  if (body.length > largeBytes) return scanInSteps(body, wanted, { cancellation, pause })
  try {
    return scanTopLevel(body, wanted)
  } catch (error) {
    throw asCallError(error)
  }
}

async function scanInSteps(
  body: Buffer,
  wanted: readonly string[],
  { cancellation, pause }: Pick<CallContext, 'cancellation'> & { readonly pause: Pause },
): Promise<TopLevel> {
  const scanning = scanLarge(body, wanted)
  try {
    let step = scanning.next()
    while (step.done !== true) {
      await pause()
      cancellation.check()
      step = scanning.next()
    }
    return step.value
  } catch (error) {
    throw asCallError(error)
  }
}

function asCallError(error: unknown): unknown {
  if (!(error instanceof NotAnObject)) return error
  return new CallError('invalid-json', error.message, { at: error.at })
}
