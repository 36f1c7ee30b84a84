import type { Dialect } from '#shared/dialects/surfaces.ts'
import { meaningOf } from '../../attempt/grammar.ts'
import { profileOf } from '../../providers/profile.ts'

const { fullStatuses } = profileOf({ kind: 'vllm' })

/** Whether a status that a replica said inside of a 200 means that it has no room. */
export function isFullStatus(status: number | undefined): boolean {
  return status !== undefined && fullStatuses.includes(status)
}

/** Whether a whole body says so. One that names no error is not parsed. */
export function isFullInside(dialect: Dialect, body: Buffer): boolean {
  if (!body.includes('"error"')) return false
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isFullStatus(meaningOf(dialect, value).error?.status)
  } catch {
    // Whoever reads the body says so.
    return false
  }
}
