import { createHash } from '#shared/builtins.ts'

/** A short sealed id taken apart; nothing of it is proven. */
export interface ShortId {
  readonly form: 'short'
  /** As the provider knows it. */
  readonly id: string
  /** Stands for the provider: {@link markOf}. */
  readonly mark: string
  /** Tells most credentials apart, as the ambassador numbers them: 0 to 63. */
  readonly tag: number
  readonly mac: Buffer
}

/**
 * OpenAI takes no longer id of an item, and clients drop or replace one that is longer or has other
 * letters than `A-Z a-z 0-9 _ -`: they would send it back as another, and what it names was lost.
 */
export const shortCharsMax = 64

/** Of HMAC-SHA256: 96 bits, of which each guess costs a question to the ambassador. */
export const shortMacBytes = 12
const markBytes = 4
const headBytes = markBytes + 1 + shortMacBytes

/** The beginning of an id tells its kind and stays; what follows is packed. */
const idForm = /^([a-z]{1,16}_)?([^]*)$/
const shortForm = /^(?:([a-z]{1,16})_|_)-([A-Za-z0-9_-]{23,62})$/
const hexForm = /^(?:[0-9a-f]{2})+$/
const uuidForm = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/

/** How the rest of an id is packed, in the order of their numbers. */
const codings = ['hex', 'uuid', 'text'] as const
type Coding = (typeof codings)[number]

/**
 * `resp_1f2e…` → `resp_-` and the base64url of mark, coding and tag, MAC, and the packed id: an id of 50
 * digits, as OpenAI makes them, comes to 62 letters. Undefined where it would be longer.
 */
export function writeShort({ id, mark, tag, mac }: Omit<ShortId, 'form'>): string | undefined {
  const [, kind = '', rest = ''] = idForm.exec(id) ?? []
  const coding = codingOf(rest)
  const packed =
    coding === 'text' ? Buffer.from(rest) : Buffer.from(rest.replaceAll('-', ''), 'hex')
  // A half of a surrogate pair has no bytes of its own.
  if (unpacked(coding, packed) !== rest) return undefined
  const head = Buffer.from([(codings.indexOf(coding) << 6) | tag])
  const bytes = Buffer.concat([Buffer.from(mark, 'hex'), head, mac, packed])
  const text = `${kind === '' ? '_' : kind}-${bytes.toString('base64url')}`
  return text.length <= shortCharsMax ? text : undefined
}

/** The parts of `text`; undefined where it does not have the form. */
export function readShort(text: string): ShortId | undefined {
  if (text.length > shortCharsMax) return undefined
  const [, kind, body = ''] = shortForm.exec(text) ?? []
  const bytes = Buffer.from(body, 'base64url')
  const packing = bytes[markBytes] ?? 0xff
  const coding = codings[packing >> 6]
  if (bytes.length < headBytes || coding === undefined) return undefined
  const rest = unpacked(coding, bytes.subarray(headBytes))
  const short: ShortId = {
    form: 'short',
    id: kind === undefined ? rest : `${kind}_${rest}`,
    mark: bytes.toString('hex', 0, markBytes),
    tag: packing & 63,
    mac: bytes.subarray(markBytes + 1, headBytes),
  }
  // One spelling for one id.
  return writeShort(short) === text ? short : undefined
}

function codingOf(rest: string): Coding {
  if (hexForm.test(rest)) return 'hex'
  return uuidForm.test(rest) ? 'uuid' : 'text'
}

function unpacked(coding: Coding, bytes: Buffer): string {
  if (coding === 'text') return bytes.toString()
  const digits = bytes.toString('hex')
  if (coding === 'hex') return digits
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const marks = new Map<string, string>()
/** Providers are few; a configuration that changes all day must not fill the memory. */
const marksMax = 4_096

/** Stands for a provider in a short id: 32 bits of a hash of its name, as hex. Ten share one in 1 of 10^8. */
export function markOf(provider: string): string {
  const known = marks.get(provider)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(`outrigger provider\n${provider}`).digest()
  const mark = digest.toString('hex', 0, markBytes)
  if (marks.size >= marksMax) marks.clear()
  marks.set(provider, mark)
  return mark
}
