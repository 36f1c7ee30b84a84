import { translateClass } from './oniguruma-class.ts'
import { NeedsNestedClasses, property, type Syntax, wordClass } from './oniguruma-words.ts'

/** Escapes with another meaning or none in JavaScript. */
const escapes = new Map([
  ['s', String.raw`\p{White_Space}`],
  ['S', String.raw`\P{White_Space}`],
  ['d', String.raw`\p{Nd}`],
  ['D', String.raw`\P{Nd}`],
  ['w', `[${wordClass}]`],
  ['W', `[^${wordClass}]`],
  ['h', '[0-9A-Fa-f]'],
  ['H', '[^0-9A-Fa-f]'],
  ['b', `(?:(?<=[${wordClass}])(?![${wordClass}])|(?<![${wordClass}])(?=[${wordClass}]))`],
  ['B', `(?:(?<=[${wordClass}])(?=[${wordClass}])|(?<![${wordClass}])(?![${wordClass}]))`],
  ['A', String.raw`(?<![\s\S])`],
  ['z', String.raw`(?![\s\S])`],
  ['Z', String.raw`(?=\n?(?![\s\S]))`],
  ['a', String.raw`\x07`],
  ['e', String.raw`\x1b`],
])

/** Openings of groups, as they are and in JavaScript. Captures are nobody's: they only group. */
const groups: readonly (readonly [source: RegExp, opening: string])[] = [
  [/^\(\?:/, '(?:'],
  [/^\(\?=/, '(?='],
  [/^\(\?!/, '(?!'],
  [/^\(\?<=/, '(?<='],
  [/^\(\?<!/, '(?<!'],
  [/^\(\?i:/, '(?i:'],
  [/^\(\?-i:/, '(?-i:'],
  [/^\(\?<[A-Za-z_]\w*>/, '(?:'],
  [/^\((?!\?)/, '(?:'],
]

/** Punctuation that means itself behind a backslash. */
const escapable = new Set('^$\\.*+?()[]{}|/')

interface Group {
  /** Where its opening is in the result. */
  readonly start: number
  /** Whether something in it repeats without bound. */
  repeats: boolean
  readonly isAtomic: boolean
}

export interface Translated {
  readonly source: string
  readonly flag: Syntax
}

/**
 * An expression of Oniguruma's Ruby syntax as one of JavaScript. Throws SyntaxError for what has no
 * translation.
 */
export function translate(source: string): Translated {
  try {
    return { source: new Translation(source, 'u').run(), flag: 'u' }
  } catch (error) {
    if (!(error instanceof NeedsNestedClasses)) throw error
  }
  // V8 14 takes letters' relatives (U+0345) out of negated classes that stand beside `(?i:` with
  // this flag: `/(?i:a)|[^\p{L}]+/v` does not match U+0345.
  if (source.includes('(?i')) throw new SyntaxError('classes in classes beside (?i have none')
  return { source: new Translation(source, 'v').run(), flag: 'v' }
}

class Translation {
  readonly #source: string
  readonly #syntax: Syntax
  #at = 0
  #result = ''
  /** Where the latest atom begins in the result; -1 where nothing can be repeated. */
  #atom = -1
  /** Whether something in the latest atom repeats without bound. */
  #atomRepeats = false
  #atomic = 0
  readonly #groups: Group[] = []
  #repeats = false

  constructor(source: string, syntax: Syntax) {
    this.#source = source
    this.#syntax = syntax
  }

  run(): string {
    // At the very start, the option is the whole expression's.
    const isFolded = this.#source.startsWith('(?i)')
    if (isFolded) this.#at = 4
    while (this.#at < this.#source.length) this.#step()
    if (this.#groups.length > 0) throw new SyntaxError('a group is not closed')
    return isFolded ? `(?i:${this.#result})` : this.#result
  }

  #step(): void {
    const char = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0)
    switch (char) {
      case '\\':
        this.#escape()
        break
      case '[': {
        const { text, end } = translateClass({
          source: this.#source,
          at: this.#at,
          syntax: this.#syntax,
        })
        this.#emit(text, end)
        break
      }
      case '(':
        this.#open()
        break
      case ')':
        this.#close()
        break
      case '|':
        this.#result += '|'
        this.#at++
        this.#atom = -1
        break
      case '.':
        this.#emit(String.raw`[^\n]`, this.#at + 1)
        break
      case '^':
        this.#emit(String.raw`(?<![^\n])`, this.#at + 1)
        break
      case '$':
        this.#emit(String.raw`(?![^\n])`, this.#at + 1)
        break
      default:
        this.#plain(char)
    }
  }

  #plain(char: string): void {
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})/.exec(this.#source.slice(this.#at))
    if (quantifier !== null) this.#quantify(quantifier[0])
    else this.#emit(escapable.has(char) ? `\\${char}` : char, this.#at + char.length)
  }

  #emit(text: string, end: number): void {
    this.#atom = this.#result.length
    this.#atomRepeats = false
    this.#result += text
    this.#at = end
  }

  #escape(): void {
    const rest = this.#source.slice(this.#at)
    const braced = /^\\(?:[pP]\{(\^?)([^}]+)\}|x\{([0-9A-Fa-f]{1,6})\})/.exec(rest)
    if (braced !== null) {
      const [text, , name, hex] = braced
      const isNegated = (rest[1] === 'P') !== (braced[1] === '^')
      const found = hex === undefined ? property(name ?? '', isNegated) : `\\u{${hex}}`
      this.#emit(found, this.#at + text.length)
      return
    }
    const fixed = /^\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[nrtfv])/.exec(rest)
    if (fixed !== null) {
      this.#emit(fixed[0], this.#at + fixed[0].length)
      return
    }
    const char = String.fromCodePoint(rest.codePointAt(1) ?? 0x5c)
    const known = escapes.get(char)
    if (known === undefined && (/[A-Za-z0-9]/.test(char) || rest.length < 2)) {
      throw new SyntaxError(`"\\${char}" has no translation`)
    }
    const literal = escapable.has(char) ? `\\${char}` : char
    this.#emit(known ?? literal, this.#at + 1 + char.length)
  }

  #open(): void {
    const rest = this.#source.slice(this.#at)
    const isAtomic = rest.startsWith('(?>')
    const known = groups.find(([pattern]) => pattern.test(rest))
    if (known === undefined && !isAtomic) {
      throw new SyntaxError(`"${rest.slice(0, 4)}" has no translation`)
    }
    this.#groups.push({ start: this.#result.length, repeats: this.#repeats, isAtomic })
    this.#repeats = false
    this.#atom = -1
    this.#result += isAtomic ? '(?:' : (known?.[1] ?? '')
    this.#at += isAtomic ? 3 : (known?.[0].exec(rest)?.[0].length ?? 0)
  }

  #close(): void {
    const group = this.#groups.pop()
    if (group === undefined) throw new SyntaxError('")" closes nothing')
    this.#result += ')'
    this.#at++
    this.#atom = group.start
    this.#atomRepeats = this.#repeats
    this.#repeats ||= group.repeats
    if (group.isAtomic) this.#keepAtom()
  }

  #quantify(quantifier: string): void {
    if (this.#atom < 0) throw new SyntaxError(`"${quantifier}" repeats nothing`)
    const isUnbounded = /^[*+]|,\}$/.test(quantifier)
    if (isUnbounded && this.#atomRepeats) {
      throw new SyntaxError('an unbounded repetition of an unbounded repetition')
    }
    this.#result += quantifier.startsWith('{,') ? `{0${quantifier.slice(1)}` : quantifier
    this.#at += quantifier.length
    this.#repeats ||= isUnbounded
    this.#atomRepeats ||= isUnbounded
    const next = this.#source[this.#at]
    if (next === '?') {
      this.#result += '?'
      this.#at++
    } else if (next === '+' && !quantifier.startsWith('{')) {
      this.#at++
      this.#keepAtom()
    }
    if (next === '+' && quantifier.startsWith('{')) this.#wrapAtom()
  }

  /** `{1,3}+` repeats the repetition, which is no possessive one in the Ruby syntax. */
  #wrapAtom(): void {
    this.#result = `${this.#result.slice(0, this.#atom)}(?:${this.#result.slice(this.#atom)})`
  }

  /** Possessive and atomic: what a look-ahead matched is not tried otherwise. */
  #keepAtom(): void {
    const name = `k${this.#atomic++}`
    const kept = this.#result.slice(this.#atom)
    this.#result = `${this.#result.slice(0, this.#atom)}(?:(?=(?<${name}>${kept}))\\k<${name}>)`
  }
}
