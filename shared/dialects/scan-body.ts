import { isUtf8 } from 'node:buffer'
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
  /** One that occurs twice or in another case: readers disagree on which one counts. */
  readonly repeated: string | undefined
}

/** Lets other work run. */
export type Pause = () => Promise<unknown>

/**
 * Finds the wanted members of a question's body: at once, or of a large one in steps of about 1 ms.
 * Throws or rejects with `invalid-json` and the place (a body that is broken inside a value may
 * pass), for bytes that are not UTF-8 (RFC 8259, 8.1), or with the reason of a cancellation.
 */
export function scanBody(
  body: Buffer,
  wanted: readonly string[],
  { cancellation, pause = setImmediate }: Pick<CallContext, 'cancellation'> & { pause?: Pause },
): TopLevel | Promise<TopLevel> {
  if (body.length > largeBytes) return scanInSteps(body, wanted, { cancellation, pause })
  if (!isUtf8(body)) throw notText()
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
  for (const piece of textPieces(body)) {
    if (!isUtf8(piece)) throw notText()
    await pause()
    cancellation.check()
  }
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

/** About 0.2 ms of looking at each. */
const pieceBytes = 1024 * 1024

/** The body in pieces that begin with a character's first byte, where it is text. */
function* textPieces(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; ) {
    let end = Math.min(body.length, start + pieceBytes)
    // A character has three further bytes at most, each of the form 10xxxxxx.
    for (let back = 0; back < 3 && isInside(body[end]); back++) end--
    yield body.subarray(start, end)
    start = end
  }
}

function isInside(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

/** Readers make different texts of broken bytes: what was looked at would not be what is answered. */
function notText(): CallError {
  return new CallError('invalid-json', 'Cannot read the body as JSON: it is not valid UTF-8')
}

function asCallError(error: unknown): unknown {
  if (!(error instanceof NotAnObject)) return error
  return new CallError('invalid-json', error.message, { at: error.at })
}
