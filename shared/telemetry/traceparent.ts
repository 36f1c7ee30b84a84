import type { TraceParent } from './tracing.ts'

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeroTrace = '0'.repeat(32)
const zeroSpan = '0'.repeat(16)
/** Vendors must pass at least 512 characters on and may refuse more (W3C Trace Context 3.3.1.5). */
const tracestateCharsMax = 512
/** Visible ASCII, spaces and tabs: anything else could not stand in a header again. */
const tracestateShape = /^[\t\x20-\x7e]*$/

/**
 * Reads `traceparent` (W3C Trace Context, level 1); undefined where it is invalid, as the
 * standard wants a new trace then. `tracestate` is dropped alone where only it is unusable.
 */
export function parseTraceparent(
  header: string | undefined,
  tracestate?: string,
): TraceParent | undefined {
  // A later version may be longer; nobody needs more than this of it.
  if (header === undefined || header.length > 512) return undefined
  const [whole, version, traceId, spanId, flags, rest] = shape.exec(header.trim()) ?? []
  if (whole === undefined || traceId === undefined || spanId === undefined) return undefined
  if (version === 'ff' || flags === undefined) return undefined
  // Version 00 ends with the flags; only later ones may say more.
  if (version === '00' && rest !== undefined) return undefined
  if (traceId === zeroTrace || spanId === zeroSpan) return undefined
  const sampled = (Number.parseInt(flags, 16) & 1) === 1
  const parent = { traceId, spanId, sampled }
  return isUsableTracestate(tracestate) ? { ...parent, tracestate } : parent
}

function isUsableTracestate(value: string | undefined): value is string {
  return (
    value !== undefined &&
    value !== '' &&
    value.length <= tracestateCharsMax &&
    tracestateShape.test(value)
  )
}

/** The `traceparent` header of `context`, in version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}
