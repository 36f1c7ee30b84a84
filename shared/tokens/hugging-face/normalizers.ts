import type { Field } from './field.ts'
import { compilePattern } from './pattern.ts'

/** A change of text before it is split. */
export type Normalize = (text: string) => string

/** Reads `normalizer`. Throws {@link TokenizerFileError} for one that is not supported. */
export function readNormalizer(field: Field): Normalize | undefined {
  if (field.isAbsent) return undefined
  const type = field.get('type')
  const name = type.text()
  switch (name) {
    case 'Sequence':
      return sequence(field.get('normalizers').list())
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => (beyondAscii.test(text) ? compose(text, name) : text)
    case 'Lowercase':
      return lowercase
    case 'StripAccents':
      return (text) => text.replace(/\p{M}+/gu, '')
    case 'Strip':
      return strip(field.get('strip_left').flag(), field.get('strip_right').flag())
    case 'Prepend':
      return prepend(field.get('prepend').text())
    case 'Replace':
      return replace(field)
    default:
      return type.refuse(`"${name}" is not supported`)
  }
}

function sequence(fields: readonly Field[]): Normalize | undefined {
  const steps = fields.map(readNormalizer).filter((step) => step !== undefined)
  if (steps.length === 0) return undefined
  return (text) => steps.reduce((changed, step) => step(changed), text)
}

/** All forms leave the others as they are. */
const beyondAscii = /[^\0-\x7f]/

function compose(text: string, form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): string {
  return cutMarks(text)
    .map((part) => part.normalize(form))
    .join('')
}

/** Combining marks in a row that are normalized together; text of any script has a few. */
const marksMax = 256
const longMarks = new RegExp(`\\p{M}{${marksMax}}`, 'gu')

/**
 * Text cut inside runs of more than {@link marksMax} combining marks. ICU sorts such a run by
 * insertion, which takes minutes for 1 MB of them; behind a cut their order may differ.
 */
function cutMarks(text: string): string[] {
  if (!mayHaveMarks(text)) return [text]
  const parts: string[] = []
  let from = 0
  for (const run of text.matchAll(longMarks)) {
    const to = run.index + run[0].length
    parts.push(text.slice(from, to))
    from = to
  }
  return [...parts, text.slice(from)]
}

/** Whether there are as many units as marks can be of: U+0300 is the first mark. */
function mayHaveMarks(text: string): boolean {
  let units = 0
  for (let at = 0; at < text.length && units < marksMax; at++) {
    if (text.charCodeAt(at) >= 0x300) units++
  }
  return units >= marksMax
}

/** Character by character, as the library does: a capital sigma at a word's end is no exception. */
function lowercase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase()
}

/** Unicode's White_Space above ASCII (PropList.txt), which is stable. */
const spaces = new Set([
  0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
  0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
])

/** White space of Unicode: `trim` has U+FEFF and lacks U+0085. */
function strip(left: boolean, right: boolean): Normalize {
  return (text) => {
    let from = 0
    let to = text.length
    if (left) while (from < to && isSpace(text.charCodeAt(from))) from++
    if (right) while (to > from && isSpace(text.charCodeAt(to - 1))) to--
    return text.slice(from, to)
  }
}

function prepend(start: string): Normalize {
  return (text) => (text === '' ? '' : start + text)
}

function replace(field: Field): Normalize {
  const content = field.get('content').text()
  const pattern = field.get('pattern')
  const string = pattern.get('String')
  if (!string.isAbsent) {
    const searched = string.text()
    if (searched === '') string.refuse('is empty')
    return (text) => text.replaceAll(searched, () => content)
  }
  const regex = compilePattern(pattern)
  return function replaceAll(text: string): string {
    try {
      return text.replace(regex, () => content)
    } catch (error) {
      // A run of some million characters overflows V8's stack for ways back: it is cut in two.
      if (!(error instanceof RangeError) || text.length < 2 ** 20) throw error
      const middle = text.length >>> 1
      return replaceAll(text.slice(0, middle)) + replaceAll(text.slice(middle))
    }
  }
}

/** Whether a code unit is Unicode's White_Space, all of which is below U+10000. */
export function isSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
  return spaces.has(unit)
}
