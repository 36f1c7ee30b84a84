import { LongPiece, windowLength } from '../long-piece.ts'
import type { Tally } from '../tally.ts'
import type { AddedTokens, Part } from './added-tokens.ts'
import { SymbolMerge } from './merge-symbols.ts'
import type { Model } from './model.ts'
import type { Normalize } from './normalizers.ts'
import type { PreTokenizer } from './pre-tokenizers.ts'
import { Symbols, unitsAtOnce } from './symbols.ts'

/** What a {@link Walk} follows. */
export interface TokenizerRules {
  readonly model: Model
  readonly normalize: Normalize | undefined
  readonly preTokenizer: PreTokenizer
  readonly added: AddedTokens
}

/** What finding and looking up a piece costs, in bytes: so that many small ones count. */
const pieceCost = 4

/**
 * Windows without a token in common grow by this factor. Large, since a whole text can be one run
 * and starts over: six times at most for 1 MB.
 */
const growth = 8

/** Symbols that a desk keeps room for: a whole text can be one run. */
const symbolsKept = 65_536

/** What one walk at a time works with: 60 KB, and 300 KB more once a run was long. */
export class Desk {
  readonly merge: SymbolMerge
  symbols: Symbols
  readonly #rules: TokenizerRules

  constructor(rules: TokenizerRules) {
    this.#rules = rules
    this.symbols = new Symbols(rules.model, rules.preTokenizer.isWritten)
    this.merge = new SymbolMerge(rules.model.merges)
  }

  /** Adds the tokens of a piece that fits into one window, at once. */
  encode(piece: string, tally: Tally): void {
    const { model } = this.#rules
    const { symbols, merge } = this
    const isOfBytes = model.alphabet === 'bytes'
    if (isOfBytes || model.tokenBytesMax > 0) {
      const length = symbols.encode(piece)
      const id = model.vocabulary.find(symbols.bytes, length)
      if (id >= 0) {
        tally.add(id)
        return
      }
      symbols.clear()
      if (isOfBytes) symbols.addBytes(length)
    } else symbols.clear()
    if (!isOfBytes) symbols.addCharacters(piece)
    symbols.finish()
    if (symbols.count === 0) return
    merge.use(symbols.ids)
    merge.run(0, symbols.count)
    tally.addAll(merge)
  }

  /** Gives back what a long run left over. */
  tidy(): void {
    if (this.symbols.ids.length <= symbolsKept) return
    this.symbols = new Symbols(this.#rules.model, this.#rules.preTokenizer.isWritten)
    this.merge.use(this.symbols.ids)
  }
}

export interface WalkParts {
  readonly rules: TokenizerRules
  readonly desk: Desk
  readonly tally: Tally
  /** Takes the desk back at the end of the text. */
  readonly release: (desk: Desk) => void
}

/**
 * The way from text to tokens: added tokens and the text between, normalized, in pieces, each as a
 * whole where it is a token, else merged from its symbols.
 */
export class Walk {
  readonly #rules: TokenizerRules
  readonly #tally: Tally
  readonly #desk: Desk
  readonly #symbols: Symbols
  readonly #pieces: Iterator<string | number>
  readonly #release: (desk: Desk) => void
  #windows: [SymbolMerge, SymbolMerge] | undefined
  #long: LongPiece | undefined
  /** A piece over one window, and how much of it became symbols. */
  #piece = ''
  #taken = 0
  #state: 'pieces' | 'symbols' | 'windows' | 'done' = 'pieces'

  /** @param pieces ids of added tokens, and pieces as {@link piecesOf} gives them. */
  constructor(pieces: Iterable<string | number>, { rules, desk, tally, release }: WalkParts) {
    this.#rules = rules
    this.#tally = tally
    this.#desk = desk
    this.#symbols = desk.symbols
    this.#release = release
    this.#pieces = pieces[Symbol.iterator]()
  }

  get tokens(): number {
    return this.#tally.count
  }

  /** Goes on for about `bytesMax` bytes; whether the text is at its end. */
  step(bytesMax: number): boolean {
    let left = bytesMax
    while (left > 0 && this.#state !== 'done') {
      if (this.#state === 'symbols') left -= this.#takeSymbols()
      else if (this.#state === 'windows') left -= this.#stepLong()
      else {
        const next = this.#pieces.next()
        if (next.done === true) this.#end()
        else left -= this.#take(next.value)
      }
    }
    return this.#state === 'done'
  }

  #end(): void {
    this.#state = 'done'
    this.#desk.tidy()
    this.#release(this.#desk)
  }

  /** An added token or a piece. Gives what it cost. */
  #take(part: string | number): number {
    if (typeof part === 'number') {
      this.#tally.add(part)
      return pieceCost
    }
    if (part.length > windowLength) {
      this.#symbols.clear()
      this.#piece = part
      this.#taken = 0
      this.#state = 'symbols'
      return pieceCost
    }
    this.#desk.encode(part, this.#tally)
    return part.length + pieceCost
  }

  #takeSymbols(): number {
    const piece = this.#piece
    const symbols = this.#symbols
    const from = this.#taken
    let to = Math.min(from + unitsAtOnce, piece.length)
    // The first half of a pair waits for the second one.
    if (to < piece.length && (piece.charCodeAt(to - 1) & 0xfc00) === 0xd800) to--
    if (from === 0 && to === piece.length && this.#isWhole(piece)) return piece.length
    symbols.add(piece.slice(from, to))
    this.#taken = to
    if (to < piece.length) return to - from
    symbols.finish()
    const { merges } = this.#rules.model
    this.#windows ??= [new SymbolMerge(merges), new SymbolMerge(merges)]
    for (const window of this.#windows) window.use(symbols.ids)
    this.#long ??= new LongPiece(this.#windows, this.#tally, growth)
    this.#long.begin(0, symbols.count)
    this.#state = symbols.count === 0 ? 'pieces' : 'windows'
    return to - from
  }

  /** Whether a long piece is a token, where that is asked before the merges. */
  #isWhole(piece: string): boolean {
    const { vocabulary, ignoresMerges } = this.#rules.model
    if (!ignoresMerges || piece.length > vocabulary.tokenBytesMax) return false
    const id = vocabulary.find(this.#symbols.bytes, this.#symbols.encode(piece))
    if (id < 0) return false
    this.#tally.add(id)
    this.#state = 'pieces'
    return true
  }

  #stepLong(): number {
    const long = this.#long
    const cost = long?.step() ?? 0
    if (long === undefined || long.isDone) {
      this.#state = 'pieces'
      this.#piece = ''
    }
    return cost
  }
}

/**
 * Ids of added tokens, and pieces to merge.
 *
 * @param text its added tokens and what lies between them, as {@link TokenFinder.split} gives them.
 */
export function* piecesOf(rules: TokenizerRules, text: Iterable<Part>): Generator<string | number> {
  const { added, normalize, preTokenizer } = rules
  for (const { from, part } of text) {
    if (typeof part === 'number') {
      yield part
      continue
    }
    for (const inner of added.normalized.split(normalize?.(part) ?? part)) {
      if (typeof inner.part === 'number') yield inner.part
      else yield* preTokenizer.split(inner.part, from === 0 && inner.from === 0)
    }
  }
}
