import { characterAt, characterClass } from './character-class.ts'
import {
  type Blank,
  blankRun,
  contraction,
  digits,
  isIn,
  isOpen,
  leaveOpen,
  letters,
  prefixes,
  type Scan,
  signRun,
  skip,
  spaceByte,
  wordRun,
} from './split.ts'

const { lower, upper, caseless, mark, number, other } = characterClass
const wordly = letters | (1 << mark)
/** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` */
const lowers = (1 << lower) | (1 << caseless) | (1 << mark)
const slash = 0x2f

const run: Blank = { end: 0, lineEnd: 0, last: 0 }

/**
 * The pattern of o200k_base and o200k_harmony (tiktoken, `openai_public.py`), with U for
 * `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, L for `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` and C for a contraction:
 *
 *     [^\r\n\p{L}\p{N}]?U*L+C? | [^\r\n\p{L}\p{N}]?U+L*C? | \p{N}{1,3}
 *     | ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
 */
export function splitO200k(scan: Scan, from: number): number {
  const { bytes, limit } = scan
  const first = characterAt(bytes, from)
  if (isIn(letters, first)) return contraction(scan, Math.abs(word(scan, from)))
  if ((first & 7) === number) return digits(scan, from)
  const second = from + (first >>> 3)
  scan.reach = second
  const follower = second < limit ? characterAt(bytes, second) : characterClass.newline
  if (isIn(prefixes, first) && isIn(wordly, follower)) {
    const end = word(scan, second)
    // A mark is a prefix and a letter of both cases: where capitals alone follow, the first
    // alternative matches it without a prefix before the second one is tried.
    if (end < 0 && (first & 7) === mark) return contraction(scan, second)
    return contraction(scan, Math.abs(end))
  }
  if ((first & 7) === mark) return contraction(scan, second)
  if ((first & 7) === other) return signRun(scan, from, slash)
  if (bytes[from] === spaceByte && (follower & 7) === other) return signRun(scan, second, slash)
  blankRun(scan, from, run)
  if (run.lineEnd > from) return run.lineEnd
  return run.end === limit || run.last === from ? run.end : run.last
}

/**
 * Where `U*L+` ends, which begins at `from`; where only `U+` matches, its end as a negative number.
 * The character at `from` is a letter or a mark.
 */
function word(scan: Scan, from: number): number {
  const { bytes, limit } = scan
  const wasOpen = isOpen(scan, from, wordRun)
  let at = wasOpen ? scan.open.to : from
  /** Behind the last character that could be given back to `L+`; `from` for none. */
  let shared = wasOpen ? scan.open.first : from
  while (at < limit) {
    const character = characterAt(bytes, at)
    const kind = character & 7
    if (kind === lower) return skip(scan, at, lowers)
    if (kind !== upper && kind !== caseless && kind !== mark) break
    at += character >>> 3
    if (kind !== upper) shared = at
  }
  scan.reach = at
  if (at >= limit) leaveOpen(scan, { from, kind: wordRun, to: at, first: shared, second: 0 })
  return shared > from ? shared : -at
}
