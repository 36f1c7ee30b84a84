/** Bytes of UTF-8 of each text. */
const bytesEach = 1_000_000

/** Numbers below `count`, the same in every process (xorshift32). */
function draws(): (count: number) => number {
  let state = 88_172_645
  return (count) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % count
  }
}

type Draw = ReturnType<typeof draws>

const kinds: Readonly<Record<string, (draw: Draw) => string>> = {
  'one letter': () => 'a',
  spaces: () => ' ',
  dashes: () => '-',
  'line ends': () => '\n',
  'two letters in turn': () => 'ab',
  'random letters': (draw) => String.fromCharCode(97 + draw(26)),
  'random capitals': (draw) => String.fromCharCode(65 + draw(26)),
  'random signs': (draw) => '!@#$%^&*(){}[]'.charAt(draw(14)),
  base64: (draw) => Buffer.from([draw(256), draw(256), draw(256)]).toString('base64'),
  'Chinese, no punctuation': (draw) => String.fromCodePoint(0x4e00 + draw(20_000)),
  'Korean, no spaces': (draw) => String.fromCodePoint(0xac00 + draw(11_172)),
  emoji: (draw) => String.fromCodePoint(0x1f300 + draw(0x300)),
  'families of emoji': () => '👩‍👩‍👧',
  'letters with marks': () => 'e\u0301',
}

export const worstNames = Object.keys(kinds)

/** 1 MB of text that a pattern does not break, or that merges badly; empty for an unknown name. */
export function worstText(name: string): string {
  const part = kinds[name]
  if (part === undefined) return ''
  const draw = draws()
  const each = Buffer.byteLength(part(draw))
  return Array.from({ length: Math.ceil(bytesEach / each) }, () => part(draw)).join('')
}
