import fc from 'fast-check'
import { corpus } from './train.ts'

const ranges = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0xa0, 0x24f],
  [0x300, 0x36f],
  [0x370, 0x4ff],
  [0x590, 0x6ff],
  [0x900, 0x97f],
  [0xe00, 0xe7f],
  [0x1100, 0x11ff],
  [0x2000, 0x218b],
  [0x3000, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xff00, 0xffef],
  [0x1d400, 0x1d7ff],
  [0x1f300, 0x1f6ff],
  [0x20000, 0x2a6df],
] as const

const tricky = [
  ' ',
  '  ',
  '\n',
  '\n\n',
  '\r\n',
  '\t',
  '\u00a0',
  '\u3000',
  '▁',
  '▁▁',
  "'s",
  "'LL",
  "'",
  '<s>',
  '</s>',
  '<unk>',
  '<|eot|>',
  '<think>',
  '<table>',
  '[INST]',
  '12345',
  'e\u0301',
  '½',
  'the',
  ' the',
  'doesn',
  ' lazy dogs',
  '!!!',
  '://',
  'a'.repeat(150),
  ' '.repeat(120),
]

const run = fc
  .constantFrom(...ranges)
  .chain(([min, max]) =>
    fc
      .array(fc.integer({ min, max }), { minLength: 1, maxLength: 8 })
      .map((points) => String.fromCodePoint(...points)),
  )

/** Text of many scripts, of words the vocabularies know, and of what splits have rules for. */
export const anyText = fc
  .array(fc.oneof(run, fc.constantFrom(...tricky), fc.constantFrom(...corpus)), { maxLength: 12 })
  .map((parts) => parts.join(''))

/** Code units in any order, lone surrogates among them. */
export const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
  .map((units) => String.fromCharCode(...units))
