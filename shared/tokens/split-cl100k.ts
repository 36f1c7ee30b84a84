import { characterAt, characterClass } from './character-class.ts'
import {
  type Blank,
  blankRun,
  contraction,
  digits,
  isIn,
  letters,
  prefixes,
  type Scan,
  signRun,
  signs,
  skip,
  spaceByte,
} from './split.ts'

const run: Blank = { end: 0, lineEnd: 0, last: 0 }

/**
 * The pattern of cl100k_base (tiktoken, `openai_public.py`), with C for a contraction:
 *
 *     C | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n]*
 *     | \s+$ | \s*[\r\n] | \s+(?!\S) | \s
 */
export function splitCl100k(scan: Scan, from: number): number {
  const { bytes, limit } = scan
  const first = characterAt(bytes, from)
  if (isIn(letters, first)) return skip(scan, from, letters)
  if ((first & 7) === characterClass.number) return digits(scan, from)
  const second = from + (first >>> 3)
  scan.reach = second
  const short = contraction(scan, from)
  if (short > from) return short
  const follower = second < limit ? characterAt(bytes, second) : characterClass.newline
  if (isIn(prefixes, first) && isIn(letters, follower)) return skip(scan, second, letters)
  if (isIn(signs, first)) return signRun(scan, from)
  if (bytes[from] === spaceByte && isIn(signs, follower)) return signRun(scan, second)
  blankRun(scan, from, run)
  if (run.end === limit) return run.end
  if (run.lineEnd > from) return run.lineEnd
  return run.last === from ? run.end : run.last
}
