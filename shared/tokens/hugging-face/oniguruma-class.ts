import { NeedsNestedClasses, property, type Syntax, wordClass } from './oniguruma-words.ts'

const posix = new Map([
  ['alpha', String.raw`\p{Alphabetic}`],
  ['alnum', String.raw`\p{Alphabetic}\p{Nd}`],
  ['digit', String.raw`\p{Nd}`],
  ['lower', String.raw`\p{Lowercase}`],
  ['upper', String.raw`\p{Uppercase}`],
  ['space', String.raw`\p{White_Space}`],
  ['blank', String.raw`\t\p{Zs}`],
  ['punct', String.raw`\p{P}\p{S}`],
  ['cntrl', String.raw`\p{Cc}`],
  ['xdigit', '0-9A-Fa-f'],
])

const escapes = new Map([
  ['s', String.raw`\p{White_Space}`],
  ['S', String.raw`\P{White_Space}`],
  ['d', String.raw`\p{Nd}`],
  ['D', String.raw`\P{Nd}`],
  ['w', wordClass],
  ['h', '0-9A-Fa-f'],
  ['a', String.raw`\x07`],
  ['e', String.raw`\x1b`],
])

/** Where in an expression, and what the result may use. */
interface Place {
  readonly source: string
  readonly at: number
  readonly syntax: Syntax
}

interface Translated {
  readonly text: string
  /** Behind the closing bracket. */
  readonly end: number
}

/**
 * The class that begins at a place of an expression of Oniguruma, as JavaScript has it. Throws
 * {@link NeedsNestedClasses} for one that takes the flag `v`: classes in classes and intersections.
 */
export function translateClass(place: Place): Translated {
  const { source, syntax } = place
  const isNegated = source[place.at + 1] === '^'
  const first = place.at + (isNegated ? 2 : 1)
  const operands = ['']
  for (let at = first; at < source.length; ) {
    if (source[at] === ']' && at > first) return { text: close(operands, isNegated), end: at + 1 }
    if (syntax === 'v' && source.startsWith('&&', at)) {
      operands.push('')
      at += 2
      continue
    }
    const part = translatePart({ source, at, syntax })
    operands.push((operands.pop() ?? '') + part.text)
    at = part.end
  }
  throw new SyntaxError('a class is not closed')
}

/** An intersection is one of classes in JavaScript, of what a class may hold in Oniguruma. */
function close(operands: readonly string[], isNegated: boolean): string {
  const [only = ''] = operands
  const inner = operands.length === 1 ? only : operands.map((part) => `[${part}]`).join('&&')
  return `[${isNegated ? '^' : ''}${inner}]`
}

function translatePart({ source, at, syntax }: Place): Translated {
  const rest = source.slice(at)
  const named = /^\[:(\^?)(\w+):\]/.exec(rest)
  if (named !== null) {
    const found = posix.get(named[2] ?? '')
    if (found === undefined) throw new SyntaxError(`"${named[0]}" has no translation`)
    const isNegated = named[1] === '^'
    if (isNegated && syntax === 'u') throw new NeedsNestedClasses()
    return { text: isNegated ? `[^${found}]` : found, end: at + named[0].length }
  }
  const isNested = rest.startsWith('[') || rest.startsWith('&&') || rest.startsWith('\\W')
  if (isNested && syntax === 'u') throw new NeedsNestedClasses()
  if (rest.startsWith('[')) return translateClass({ source, at, syntax })
  if (rest.startsWith('\\W')) return { text: `[^${wordClass}]`, end: at + 2 }
  if (rest.startsWith('\\')) return translateEscape({ source, at, syntax })
  const char = String.fromCodePoint(rest.codePointAt(0) ?? 0)
  if (char === '-' && isRange(source, at)) return { text: '-', end: at + 1 }
  return { text: literal(char, syntax), end: at + char.length }
}

/** Between two characters; at an edge or behind a set a hyphen means itself. */
function isRange(source: string, at: number): boolean {
  const isFirst = source[at - 1] === '[' || source.slice(at - 2, at) === '[^'
  const isBehindSet = /(?:\\[sSdDwWh]|\\[pP]\{[^}]*\}|\])$/.test(source.slice(0, at))
  return !isFirst && !isBehindSet && source[at + 1] !== ']'
}

function translateEscape({ source, at, syntax }: Place): Translated {
  const rest = source.slice(at)
  const braced = /^\\(?:[pP]\{(\^?)([^}]+)\}|x\{([0-9A-Fa-f]{1,6})\})/.exec(rest)
  if (braced !== null) {
    const [whole, caret, name, hex] = braced
    const isNegated = (rest[1] === 'P') !== (caret === '^')
    const text = hex === undefined ? property(name ?? '', isNegated) : `\\u{${hex}}`
    return { text, end: at + whole.length }
  }
  const fixed = /^\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[nrtfv])/.exec(rest)
  if (fixed !== null) return { text: fixed[0], end: at + fixed[0].length }
  const char = String.fromCodePoint(rest.codePointAt(1) ?? 0x5c)
  const known = escapes.get(char)
  if (known === undefined && /[A-Za-z0-9]/.test(char)) {
    throw new SyntaxError(`"\\${char}" has no translation in a class`)
  }
  return { text: known ?? literal(char, syntax), end: at + 1 + char.length }
}

/** With the flag `v`, most punctuation needs a backslash; with `u`, some may not have one. */
function literal(char: string, syntax: Syntax): string {
  const escaped = syntax === 'v' ? /[!#$%&()*+,\-./:;<=>?@[\\\]^`{|}~]/ : /[$()*+\-./?[\\\]^{|}]/
  return escaped.test(char) ? `\\${char}` : char
}
