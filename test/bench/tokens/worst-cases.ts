import { type Encoding, sliceBytes } from '#shared/tokens/encoding.ts'

/** Bytes of UTF-8 of each text. */
const bytesEach = 1_000_000

export interface WorstCase {
  readonly name: string
  readonly countMs: number
  /** The longest step of a counting in slices. */
  readonly stepMs: number
}

/** Numbers below `count`, the same in every run (xorshift32). */
function draws(): (count: number) => number {
  let state = 88_172_645
  return (count) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % count
  }
}

const draw = draws()

function filled(part: () => string): string {
  const each = Buffer.byteLength(part())
  return Array.from({ length: Math.ceil(bytesEach / each) }, part).join('')
}

const kinds: Readonly<Record<string, () => string>> = {
  'one letter': () => 'a',
  spaces: () => ' ',
  dashes: () => '-',
  'line ends': () => '\n',
  'two letters in turn': () => 'ab',
  'random letters': () => String.fromCharCode(97 + draw(26)),
  'random capitals': () => String.fromCharCode(65 + draw(26)),
  'random signs': () => '!@#$%^&*(){}[]'.charAt(draw(14)),
  base64: () => Buffer.from([draw(256), draw(256), draw(256)]).toString('base64'),
  'Chinese, no punctuation': () => String.fromCodePoint(0x4e00 + draw(20_000)),
  'Korean, no spaces': () => String.fromCodePoint(0xac00 + draw(11_172)),
  emoji: () => String.fromCodePoint(0x1f300 + draw(0x300)),
  'families of emoji': () => '👩‍👩‍👧',
  'letters with marks': () => 'e\u0301',
}

/** Least processor time of three runs, in ms. */
function timed(action: () => void): number {
  const times = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage()
    action()
    return process.cpuUsage(before).user / 1_000
  })
  return Math.min(...times)
}

function longestStep(encoding: Encoding, text: string): number {
  const counting = encoding.counting(text)
  let longest = 0
  for (let isDone = false; !isDone; ) {
    const before = process.cpuUsage()
    isDone = counting.step(sliceBytes)
    longest = Math.max(longest, process.cpuUsage(before).user / 1_000)
  }
  return longest
}

/** Counts 1 MB of each kind of text that a pattern does not break, or that merges badly. */
export function worstCases(encoding: Encoding): WorstCase[] {
  return Object.entries(kinds).map(([name, part]) => {
    const text = filled(part)
    const countMs = timed(() => encoding.count(text))
    const stepMs = Math.min(longestStep(encoding, text), longestStep(encoding, text))
    return { name, countMs, stepMs }
  })
}
