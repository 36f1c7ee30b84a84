import { characterAt, characterClass } from './character-class.ts'

/** Text in UTF-8 that is cut into pieces. */
export interface Scan {
  bytes: Uint8Array
  /** Behind the last byte: the end of the text, or of as much of it as is here. */
  limit: number
  /**
   * Behind the last character that the latest piece was decided by. Near `limit`
   * ({@link lookAheadBytes}), more text could have given another piece.
   */
  reach: number
  /** The run that met the limit last: where more text comes, it goes on instead of anew. */
  readonly open: OpenRun
}

/** A run of characters up to the limit. Without it a run of 10 MB is scanned over and over. */
export interface OpenRun {
  from: number
  /** What the run is of: a set of classes, or {@link wordRun} or {@link blankOpen}. */
  kind: number
  to: number
  /** What the one who scanned it has to know again. */
  first: number
  second: number
}

/** Kinds of {@link OpenRun} that are no set. */
export const wordRun = -1
const blankOpen = -2

/** A scan that has no text yet. */
export function emptyScan(bytes: Uint8Array): Scan {
  const open: OpenRun = { from: -1, kind: 0, to: 0, first: 0, second: 0 }
  return { bytes, limit: 0, reach: 0, open }
}

/** The bytes before `count` are gone. */
export function shiftScan(scan: Scan, count: number): void {
  const { open } = scan
  open.from -= count
  open.to -= count
  open.first -= count
  open.second -= count
}

/** Whether the run of this kind that begins at `from` is the open one. */
export function isOpen({ open }: Scan, from: number, kind: number): boolean {
  return open.from === from && open.kind === kind
}

export function leaveOpen({ open }: Scan, run: OpenRun): void {
  Object.assign(open, run)
}

/** Where the piece that begins at `from` ends; `from` is below the limit. */
export type Split = (scan: Scan, from: number) => number

/** A contraction behind `reach` is looked at for this many bytes: `'ll`, `'ſ`. */
export const lookAheadBytes = 4

const { lower, upper, caseless, mark, number, space, newline, other } = characterClass

/** Classes as a set: bit n stands for class n. */
export const letters = (1 << lower) | (1 << upper) | (1 << caseless)
export const blank = (1 << space) | (1 << newline)
/** `[^\s\p{L}\p{N}]` */
export const signs = (1 << other) | (1 << mark)
/** `[^\r\n\p{L}\p{N}]` */
export const prefixes = signs | (1 << space)

export const spaceByte = 0x20
const lineFeed = 0x0a
const carriageReturn = 0x0d
const apostrophe = 0x27

/** Whether the class in the low bits of `character` is in `set`. */
export function isIn(set: number, character: number): boolean {
  return ((set >>> (character & 7)) & 1) === 1
}

/** Behind all characters from `at` on whose class is in `set`. */
export function skip(scan: Scan, at: number, set: number): number {
  const { bytes, limit } = scan
  let end = isOpen(scan, at, set) ? scan.open.to : at
  while (end < limit) {
    const character = characterAt(bytes, end)
    if (!isIn(set, character)) break
    end += character >>> 3
  }
  scan.reach = end
  if (end >= limit) leaveOpen(scan, { from: at, kind: set, to: end, first: 0, second: 0 })
  return end
}

/** `[^\s\p{L}\p{N}]+[\r\n]*`; `also` is one more byte that may follow with the line ends. */
export function signRun(scan: Scan, from: number, also = lineFeed): number {
  const { bytes, limit } = scan
  let end = skip(scan, from, signs)
  while (end < limit) {
    const byte = bytes[end]
    if (byte !== lineFeed && byte !== carriageReturn && byte !== also) break
    end++
  }
  scan.reach = end
  return end
}

/** `\p{N}{1,3}` */
export function digits(scan: Scan, from: number): number {
  const { bytes, limit } = scan
  let end = from
  for (let count = 0; count < 3 && end < limit; count++) {
    const character = characterAt(bytes, end)
    if ((character & 7) !== number) break
    end += character >>> 3
  }
  scan.reach = end
  return end
}

/**
 * Behind `(?i:'s|'t|'re|'ve|'m|'ll|'d)` at `at`, or `at` where there is none. Case folding has a
 * second small form of s: U+017F, two bytes.
 */
export function contraction({ bytes, limit }: Scan, at: number): number {
  if (at + 1 >= limit || bytes[at] !== apostrophe) return at
  // Bit 5 folds ASCII letters.
  const first = bytes[at + 1] ?? 0
  const small = String.fromCharCode(first | 0x20)
  if (small === 's' || small === 't' || small === 'm' || small === 'd') {
    return first < 0x80 ? at + 2 : at
  }
  if (at + 2 >= limit) return at
  const second = bytes[at + 2] ?? 0
  const pair = first < 0x80 && second < 0x80 ? small + String.fromCharCode(second | 0x20) : ''
  if (pair === 're' || pair === 've' || pair === 'll') return at + 3
  return first === 0xc5 && second === 0xbf ? at + 3 : at
}

/** The run of white space from `from` on: what both patterns decide its pieces by. */
export interface Blank {
  end: number
  /** Behind its last CR or LF; where it begins for none. */
  lineEnd: number
  /** Where its last character begins. */
  last: number
}

export function blankRun(scan: Scan, from: number, run: Blank): void {
  const { bytes, limit } = scan
  let at = from
  run.lineEnd = from
  if (isOpen(scan, from, blankOpen)) {
    at = scan.open.to
    run.lineEnd = scan.open.first
    run.last = scan.open.second
  }
  while (at < limit) {
    const character = characterAt(bytes, at)
    if (!isIn(blank, character)) break
    run.last = at
    at += character >>> 3
    if ((character & 7) === newline) run.lineEnd = at
  }
  run.end = at
  scan.reach = at
  if (at < limit) return
  leaveOpen(scan, { from, kind: blankOpen, to: at, first: run.lineEnd, second: run.last })
}
