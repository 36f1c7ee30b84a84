/** `server-timing` (W3C Server Timing) of an ambassador's answer; all in milliseconds. */
export interface AmbassadorTiming {
  /** From the first attempt to the commit; undefined where no provider was asked. */
  readonly providerMs: number | undefined
  /** From the head of the question to the head of the answer. */
  readonly wholeMs: number
}

/** What the provider took, and what is left of the time until the head: the ambassador's own. */
export function ambassadorTiming({ providerMs, wholeMs }: AmbassadorTiming): string {
  if (providerMs === undefined) return `ambassador;dur=${shown(wholeMs)}`
  return `provider;dur=${shown(providerMs)}, ambassador;dur=${shown(wholeMs - providerMs)}`
}

const told = /^(?:provider;dur=(\d+\.\d), )?ambassador;dur=(\d+\.\d)$/

/**
 * What the ambassador said, and of the time `headMs` until the head what it does not explain: the
 * sidecar's own, and the way between the two. A value of any other form is not passed on. `waitedMs` is
 * from the connection's beginning to that of the call, and stands apart: an application may open a
 * connection long before it has a question.
 */
export function sidecarTiming(
  ambassador: string | undefined,
  headMs: number,
  waitedMs: number = 0,
): string {
  const accept = waitedMs < 0.05 ? '' : `, accept;dur=${shown(waitedMs)}`
  return `${ownTiming(ambassador, headMs)}${accept}`
}

function ownTiming(ambassador: string | undefined, headMs: number): string {
  const match = ambassador === undefined ? null : told.exec(ambassador)
  if (match === null) return `sidecar;dur=${shown(headMs)}`
  const explainedMs = Number(match[1] ?? 0) + Number(match[2])
  return `${match[0]}, sidecar;dur=${shown(headMs - explainedMs)}`
}

/** Rounding may leave less than nothing. */
function shown(ms: number): string {
  return Math.max(0, ms).toFixed(1)
}
