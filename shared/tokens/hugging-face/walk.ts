import type { Tally } from '../tally.ts'
import type { AddedTokens } from './added-tokens.ts'
import { LongRun, windowSymbols } from './long-run.ts'
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
  /** By entry of the vocabulary, what is known of its own encoding: learned while counting. */
  readonly reaches: Uint8Array
}

/** What finding and looking up a piece costs, in bytes: so that many small ones count. */
const pieceCost = 4

/** What is known of an entry of the vocabulary: whether its own encoding is itself. */
const reach = { unknown: 0, itself: 1, others: 2 } as const

/**
 * The way from text to tokens: added tokens and the text between, normalized, in pieces, each as a
 * whole where it is a token, else merged from its symbols.
 */
export class Walk {
  readonly #rules: TokenizerRules
  readonly #tally: Tally
  readonly #symbols: Symbols
  readonly #merge: SymbolMerge
  readonly #parts: Iterator<string | number, undefined>
  #long: LongRun | undefined
  /** A piece over one window, and how much of it became symbols. */
  #piece = ''
  #taken = 0
  #state: 'pieces' | 'symbols' | 'windows' = 'pieces'

  constructor(rules: TokenizerRules, text: string, tally: Tally) {
    this.#rules = rules
    this.#tally = tally
    this.#symbols = new Symbols(rules.model, rules.preTokenizer.isWritten)
    this.#merge = new SymbolMerge(rules.model.merges)
    this.#parts = parts(rules, text.toWellFormed())
  }

  get tokens(): number {
    return this.#tally.count
  }

  /** Goes on for about `bytesMax` bytes; whether the text is at its end. */
  step(bytesMax: number): boolean {
    let left = bytesMax
    while (left > 0) {
      if (this.#state === 'symbols') left -= this.#takeSymbols()
      else if (this.#state === 'windows') left -= this.#stepLong()
      else {
        const next = this.#parts.next()
        if (next.done === true) return true
        left -= this.#take(next.value)
      }
    }
    return false
  }

  /** An added token or a piece. Gives what it cost. */
  #take(part: string | number): number {
    if (typeof part === 'number') {
      this.#tally.add(part)
      return pieceCost
    }
    if (part.length > windowSymbols) {
      this.#symbols.clear()
      this.#piece = part
      this.#taken = 0
      this.#state = 'symbols'
      return pieceCost
    }
    this.#takeShort(part)
    return part.length + pieceCost
  }

  #takeShort(piece: string): void {
    const { model, reaches } = this.#rules
    const symbols = this.#symbols
    const length = symbols.encode(piece)
    const entry = model.vocabulary.find(symbols.bytes, length)
    const known = reaches[entry] ?? reach.others
    if (entry >= 0 && (model.ignoresMerges || known === reach.itself)) {
      this.#tally.add(model.vocabulary.ids[entry] ?? 0)
      return
    }
    symbols.clear()
    if (model.alphabet === 'bytes') symbols.addBytes(length)
    else symbols.addCharacters(piece)
    symbols.finish()
    if (symbols.count === 0) return
    const merge = this.#merge
    merge.run(symbols.ids, 0, symbols.count)
    merge.addTo(this.#tally, 0, merge.length)
    if (entry >= 0 && known === reach.unknown) {
      const isItself = merge.count === 1 && merge.ids[0] === model.vocabulary.ids[entry]
      reaches[entry] = isItself ? reach.itself : reach.others
    }
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
    this.#long ??= new LongRun(this.#rules.model.merges, this.#tally)
    this.#long.begin(symbols.ids, symbols.count)
    this.#state = symbols.count === 0 ? 'pieces' : 'windows'
    return to - from
  }

  /** Whether a long piece is a token, where that is asked before the merges. */
  #isWhole(piece: string): boolean {
    const { vocabulary, ignoresMerges } = this.#rules.model
    if (!ignoresMerges || piece.length > vocabulary.tokenBytesMax) return false
    const entry = vocabulary.find(this.#symbols.bytes, this.#symbols.encode(piece))
    if (entry < 0) return false
    this.#tally.add(vocabulary.ids[entry] ?? 0)
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

/** Ids of added tokens, and pieces to merge. */
function* parts(rules: TokenizerRules, text: string): Generator<string | number, undefined> {
  const { added, normalize, preTokenizer } = rules
  for (const { from, part } of added.plain.split(text)) {
    if (typeof part === 'number') {
      yield part
      continue
    }
    for (const inner of added.normalized.split(normalize?.(part) ?? part)) {
      if (typeof inner.part === 'number') yield inner.part
      else yield* preTokenizer.split(inner.part, from === 0 && inner.from === 0)
    }
  }
  return undefined
}
