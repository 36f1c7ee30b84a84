import { toAlphabet } from './byte-alphabet.ts'
import type { Field } from './field.ts'
import { compilePattern } from './pattern.ts'
import { type Behaviour, behaviours, splitter } from './split-text.ts'

/**
 * One step from text to pieces.
 *
 * @param isStart whether the text begins where the caller's text begins.
 */
interface Stage {
  (text: string, isStart: boolean): Iterable<string>
  /** Where the piece that begins at `at` ends, for a stage that can tell without making it. */
  readonly pieceEnd?: (text: string, at: number) => number
}

/** The way from text to pieces that are merged by themselves. */
export interface PreTokenizer {
  readonly split: Stage
  /** Whether the model's tokens are written in the byte alphabet. */
  readonly isByteLevel: boolean
  /** Whether the pieces are, too: where stages follow that of the bytes. */
  readonly isWritten: boolean
}

/** What a stage is made from; `bytes` stands for the change to the byte alphabet. */
type Step = Stage | 'bytes'

/** GPT-2, `encoder.py`, as huggingface/tokenizers has it in `ByteLevel`. */
const gpt2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

/** `\w` of Rust's regular expressions (UTS 18, annex C). */
const wordOrSign =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu

/** ASCII punctuation, signs among it, and Unicode's. */
const punctuation = /[!-/:-@[-`{-~]|\p{P}/gu

/** Reads `pre_tokenizer`. Throws {@link TokenizerFileError} for one that is not supported. */
export function readPreTokenizer(field: Field): PreTokenizer {
  const steps = field.isAbsent ? [] : readSteps(field)
  const isByteLevel = steps.includes('bytes')
  if (steps.at(-1) === 'bytes') steps.pop()
  const isWritten = steps.includes('bytes')
  if (steps.indexOf('bytes') !== steps.lastIndexOf('bytes')) field.refuse('has ByteLevel twice')
  const stages = steps.map((step) => (step === 'bytes' ? writeBytes : step))
  return { split: chain(stages), isByteLevel, isWritten }
}

function readSteps(field: Field): Step[] {
  const type = field.get('type')
  const name = type.text()
  switch (name) {
    case 'Sequence':
      return field.get('pretokenizers').list().flatMap(readSteps)
    case 'Split':
      return [readSplit(field)]
    case 'ByteLevel':
      return readByteLevel(field)
    case 'Metaspace':
      return readMetaspace(field)
    case 'Digits': {
      const behaviour = field.get('individual_digits').flag() ? 'Isolated' : 'Contiguous'
      return [splitter({ regex: /\p{N}/gu, behaviour, isInverted: false })]
    }
    case 'Punctuation': {
      const behaviour = readBehaviour(field.get('behavior'), 'Isolated')
      return [splitter({ regex: punctuation, behaviour, isInverted: false })]
    }
    case 'Whitespace':
      return [splitter({ regex: wordOrSign, behaviour: 'Removed', isInverted: true })]
    case 'WhitespaceSplit':
      return [splitter({ regex: /\p{White_Space}/gu, behaviour: 'Removed', isInverted: false })]
    default:
      return type.refuse(`"${name}" is not supported`)
  }
}

function readSplit(field: Field): Stage {
  const rule = {
    regex: compilePattern(field.get('pattern')),
    behaviour: readBehaviour(field.get('behavior')),
    isInverted: field.get('invert').flag(false),
  }
  return splitter(rule)
}

function readBehaviour(field: Field, fallback?: Behaviour): Behaviour {
  if (field.isAbsent && fallback !== undefined) return fallback
  const name = field.text()
  return behaviours.find((known) => known === name) ?? field.refuse(`"${name}" is not supported`)
}

function readByteLevel(field: Field): Step[] {
  const steps: Step[] = []
  if (field.get('add_prefix_space').flag()) steps.push(addSpace)
  if (field.get('use_regex').flag(true)) {
    steps.push(splitter({ regex: gpt2, behaviour: 'Isolated', isInverted: false }))
  }
  return [...steps, 'bytes']
}

function addSpace(text: string): string[] {
  return [text.startsWith(' ') ? text : ` ${text}`]
}

function writeBytes(text: string): string[] {
  return [toAlphabet(text)]
}

function readMetaspace(field: Field): Stage[] {
  const mark = field.get('replacement').text()
  if (mark.length !== 1) field.get('replacement').refuse('is not one character')
  const scheme = readScheme(field)
  const write: Stage = (text, isStart) => {
    const marked = text.replaceAll(' ', () => mark)
    const isBegun = scheme === 'never' || (scheme === 'first' && !isStart)
    return [isBegun || marked.startsWith(mark) ? marked : mark + marked]
  }
  return field.get('split').flag(true) ? [write, (text) => cutBefore(text, mark)] : [write]
}

function readScheme(field: Field): string {
  // The older form of the field.
  const prefix = field.get('add_prefix_space')
  const scheme = field.get('prepend_scheme')
  if (!prefix.isAbsent && !prefix.flag()) return 'never'
  const name = scheme.isAbsent ? 'always' : scheme.text()
  return ['always', 'first', 'never'].includes(name) ? name : scheme.refuse('is not supported')
}

/** As a split on `mark` that is merged with the next: every mark begins a piece. */
function* cutBefore(text: string, mark: string): Generator<string> {
  let from = 0
  while (from < text.length) {
    const next = text.indexOf(mark, from + 1)
    const to = next < 0 ? text.length : next
    yield text.slice(from, to)
    from = to
  }
}

/** One stage behind the other; none gives the text as it is. */
function chain(stages: readonly Stage[]): Stage {
  const whole: Stage = (text) => [text]
  return stages.reduceRight((rest, stage) => (rest === whole ? stage : follow(stage, rest)), whole)
}

function follow(stage: Stage, rest: Stage): Stage {
  return function* follow(text, isStart) {
    let isFirst = isStart
    for (const piece of stage(text, isFirst)) {
      yield* rest(piece, isFirst)
      isFirst = false
    }
  }
}
