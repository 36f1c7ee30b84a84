import { Lexicon } from './lexicon.ts'
import { LongPiece, windowLength } from './long-piece.ts'
import { Merge } from './merge.ts'
import { emptyScan, lookAheadBytes, type Scan, type Split, shiftScan } from './split.ts'
import type { Tally } from './tally.ts'
import { noRank, type Table } from './vocabulary/table.ts'
import type { WordCounts } from './word-counts.ts'

/** UTF-16 code units that become UTF-8 at once: the bytes stay in the second cache. */
export const unitsAtOnce = 16_384
const bytesPerUnit = 3
const bufferBytes = unitsAtOnce * bytesPerUnit

/** What the pieces cost that are scanned and looked up, in bytes: so that many small ones count. */
const pieceCost = 4

const encoder = new TextEncoder()

/** What one walk at a time works with: 60 KB. */
export class Desk {
  readonly lexicon: Lexicon
  readonly merge: Merge
  /** UTF-8 of the text at hand. A long piece has a longer one of its own. */
  readonly bytes = new Uint8Array(bufferBytes)

  constructor(table: Table) {
    this.lexicon = new Lexicon(table, this.bytes)
    this.merge = new Merge(this.lexicon)
  }
}

/** The way from text to tokens: UTF-8 by and by, pieces, ranks of whole pieces or of their parts. */
export class Walk {
  readonly #text: string
  /** Code units that are in the buffer or behind it. */
  #taken = 0
  #at = 0
  readonly #scan: Scan
  readonly #split: Split
  readonly #parts: WalkParts
  readonly #desk: Desk
  readonly #tally: Tally
  #long: LongPiece | undefined
  #isLong = false

  #isDone = false

  constructor(text: string, parts: WalkParts) {
    const { split, desk, tally } = parts
    this.#text = text
    this.#parts = parts
    this.#split = split
    this.#desk = desk
    this.#tally = tally
    desk.lexicon.bytes = desk.bytes
    this.#scan = emptyScan(desk.bytes)
  }

  get tokens(): number {
    return this.#tally.count
  }

  /** Goes on for about `bytesMax` bytes; whether the text is at its end. */
  step(bytesMax: number): boolean {
    let left = bytesMax
    while (left > 0 && !this.#isDone) {
      if (this.#isLong) left -= this.#stepLong()
      else if (this.#at === this.#scan.limit && this.#taken === this.#text.length) this.#end()
      else left -= this.#stepPiece()
    }
    return this.#isDone
  }

  #end(): void {
    this.#isDone = true
    // The buffer of a long piece would stay.
    this.#desk.lexicon.bytes = this.#desk.bytes
    this.#parts.release(this.#desk)
  }

  #stepLong(): number {
    const long = this.#long
    if (long === undefined) return 0
    const cost = long.step()
    this.#isLong = !long.isDone
    return cost
  }

  /** One piece, or more text where the piece at hand could go on. Gives what it cost in bytes. */
  #stepPiece(): number {
    const scan = this.#scan
    const from = this.#at
    const isWhole = this.#taken === this.#text.length
    if (from === scan.limit) return this.#refill()
    const end = this.#split(scan, from)
    if (!isWhole && scan.reach + lookAheadBytes > scan.limit) return this.#refill()
    this.#at = end
    const rank = this.#desk.lexicon.whole(from, end)
    if (rank !== noRank) this.#tally.add(rank)
    else if (end - from <= windowLength) this.#addWord(from, end)
    else {
      this.#long ??= this.#newLong()
      this.#long.begin(from, end)
      this.#isLong = true
    }
    return end - from + pieceCost
  }

  #newLong(): LongPiece {
    const { lexicon } = this.#desk
    return new LongPiece([new Merge(lexicon), new Merge(lexicon)], this.#tally, 2)
  }

  #addWord(from: number, to: number): void {
    const { merge, lexicon } = this.#desk
    const { words } = this.#parts
    const tally = this.#tally
    const known = tally.keepsRanks ? 0 : words.find(lexicon, from, to)
    if (known > 0) {
      tally.count += known
      return
    }
    // Before the merge, which asks the lexicon for other bytes.
    const entry = words.reserve(lexicon, from, to)
    merge.run(from, to)
    words.keep(entry, merge.count)
    tally.addAll(merge)
  }

  /** Moves what is left to the front and adds text behind it. Gives the bytes that it added. */
  #refill(): number {
    const scan = this.#scan
    const held = scan.limit - this.#at
    const units = this.#nextUnits()
    const needed = held + units.length * bytesPerUnit
    let { bytes } = scan
    if (needed > bytes.length) {
      bytes = new Uint8Array(needed * 2)
      bytes.set(scan.bytes.subarray(this.#at, scan.limit))
      scan.bytes = bytes
      this.#desk.lexicon.bytes = bytes
    } else if (this.#at > 0) bytes.copyWithin(0, this.#at, scan.limit)
    shiftScan(scan, this.#at)
    const { written } = encoder.encodeInto(units, bytes.subarray(held))
    this.#at = 0
    scan.limit = held + written
    return written
  }

  #nextUnits(): string {
    const from = this.#taken
    let to = Math.min(from + unitsAtOnce, this.#text.length)
    // The first half of a pair waits for the second one.
    if (to < this.#text.length && (this.#text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to--
    this.#taken = to
    return from === 0 && to === this.#text.length ? this.#text : this.#text.slice(from, to)
  }
}

interface WalkParts {
  readonly split: Split
  readonly desk: Desk
  readonly words: WordCounts
  readonly tally: Tally
  /** Takes the desk back at the end of the text. */
  readonly release: (desk: Desk) => void
}
