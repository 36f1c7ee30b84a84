import { addText, addTextAs } from './add-text.ts'
import type { Counting } from './counting.ts'
import { headOf, isObject, isText } from './value.ts'

/** Adds tokens that belong to the chat template rather than to what the caller wrote. */
export function addFraming(counting: Counting, tokens: number): void {
  const { exactness } = counting.family.framing
  counting.tally.add({ what: 'framing', tokens, exactness })
}

function addFrameText(counting: Counting, text: string): void {
  const { exactness } = counting.family.framing
  addTextAs(counting, { what: 'framing', exactness }, text)
}

/** Adds the frame of one message; `discount` is at most the frame itself. */
export function countFrame(counting: Counting, role: string, discount = 0): void {
  const { message, role: rule } = counting.family.framing
  addFraming(counting, Math.max(0, message - discount))
  if (rule === 'counted') addFrameText(counting, role)
}

/**
 * Adds what stands around the messages: start, reply, and the texts the template writes itself.
 * `first` is the role of the first message; undefined where there is none.
 */
export function countConversation(counting: Counting, first: string | undefined): void {
  const { start, reply, preamble, defaultSystem } = counting.family.framing
  addFraming(counting, start + reply)
  const hasSystem = first === 'system' || first === 'developer'
  const isOwn = preamble?.place === 'own message' || (preamble !== undefined && !hasSystem)
  if (preamble !== undefined) addFrameText(counting, preamble.text)
  if (isOwn) countFrame(counting, 'system')
  if (defaultSystem === undefined || first === undefined || hasSystem) return
  countFrame(counting, 'system')
  addFrameText(counting, defaultSystem)
}

/** Adds the name of a participant. */
export function countName(counting: Counting, name: unknown): void {
  if (!isText(name) || name === '') return
  addText(counting, 'names', name)
  const { name: tokens, exactness } = counting.family.framing
  counting.tally.add({ what: 'names', tokens, exactness })
}

/** No role is longer; what claims to be one is refused. */
const roleCharactersMax = 4_096

/** The role of a message; every message costs one, also where it is missing or no text. */
export function roleOf(message: unknown): string {
  const role = isObject(message) ? message['role'] : undefined
  return isText(role) ? headOf(role, roleCharactersMax) : 'user'
}
