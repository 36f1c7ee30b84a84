import { randomFillSync } from '#shared/builtins.ts'
import { after } from './timers.ts'

/** Undoes what it was returned for; calling it again does nothing. */
export type Undo = () => void

/** Time and chance as a parameter, so that a test repeats. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): number
  /** Milliseconds since 1970. */
  wall(): number
  /** Runs `action` once after `delayMs` (up to 1.6 % late) unless undone before. */
  after(delayMs: number, action: () => void): Undo
  /** Uniform in [0, 1). */
  random(): number
  /** A UUID version 7 (RFC 9562): sorts by time, 36 characters. */
  id(): string
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after,
  random: () => Math.random(),
  id: () => uuid7(Date.now()),
}

/** Random digits are drawn 8,180 at a time: one system call and one conversion serve 409 ids. */
const digitsPerId = 20
const pool = Buffer.alloc((409 * digitsPerId) / 2)
let digits = ''
let digitsAt = 0

function uuid7(wallMs: number): string {
  if (digitsAt === digits.length) {
    digits = randomFillSync(pool).toString('hex')
    digitsAt = 0
  }
  const random = digits.slice(digitsAt, digitsAt + digitsPerId)
  digitsAt += digitsPerId
  const time = wallMs.toString(16).padStart(12, '0')
  const variant = variants[Number.parseInt(random.charAt(3), 16) & 3] ?? '8'
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}

/** RFC 9562, 4.1: two fixed bits and two random ones. */
const variants = ['8', '9', 'a', 'b']
