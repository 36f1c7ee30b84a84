import fc from 'fast-check'

/**
 * Where gpt-tokenizer differs from tiktoken: JavaScript's `\s` has U+FEFF and not U+0085, and its
 * contractions have no U+017F, the other small s. These are held to the published patterns alone.
 */
const disputed = /[\u0085\ufeff\u017f]/gu

/** Whether gpt-tokenizer's pattern is the published one in `text`. */
export function isUndisputed(text: string): boolean {
  return text.search(disputed) < 0
}

const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
const point = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code))

function oneOf(characters: string): fc.Arbitrary<string> {
  return fc.constantFrom(...Array.from(characters))
}

const letterOf = fc.oneof(
  oneOf('abcdefghijklmnopqrstuvwxyz'),
  oneOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
  oneOf('àéîõüßñçøåžšœæÀÉÎÕÜŽ'),
  oneOf('абвгдежзиклмнопрстуАБВГДЕЖ'),
  oneOf('αβγδεζηθικλμνΑΒΓΔ'),
  oneOf('אבגדהוזחטיابتثجحخدذرزسش'),
  oneOf('कखगघचछजटडतदनपबमयरलवािीुूे्'),
  oneOf('กขคงจฉชซญดตถทธนบปผฝพฟภมยรลวัิีึืุู'),
  oneOf('的一是不了人我在有他这为之大来以个中上们日本語テキストひらがな'),
  oneOf('가각간갇한국어문장ㄱㄴㅏ'),
  oneOf('ǅǈǋʰʲˠªºЀ\u0300\u0301\u0308\u20dd\u0903'),
)

const word = fc.string({ unit: letterOf, maxLength: 12 })
const plainWord = fc.constantFrom(
  'the',
  'of',
  'function',
  'return',
  'const',
  'Straße',
  'HTTPServer',
  'camelCase',
  'snake_case',
  'internationalisation',
  'don',
  'McDonald',
  'ПРИВЕТ',
  'привет',
  'şehir',
  'größer',
  'naïve',
)
const contraction = fc.constantFrom(
  "'s",
  "'S",
  '’s',
  "'t",
  "'T",
  "'re",
  "'RE",
  "'Re",
  "'ve",
  "'m",
  "'ll",
  "'LL",
  "'lL",
  "'d",
  "'",
  "''",
)
const blank = fc.string({
  unit: oneOf(' \t\n\r\v\f\u00a0\u1680\u2003\u2028\u2029\u202f\u3000'),
  maxLength: 8,
})
const plainBlank = fc.constantFrom(
  ' ',
  ' ',
  '  ',
  '\n',
  '\r\n',
  '\n\n',
  '\r\n\r\n',
  '    ',
  '\t',
  ' \n ',
)
const digits = fc.string({ unit: oneOf('0123456789٠١٢½Ⅷ²०१'), maxLength: 12 })
const signs = fc.string({ unit: oneOf('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~«»–—…“”€£°'), maxLength: 6 })
const emoji = fc.constantFrom(
  '😀',
  '👩‍👩‍👧‍👦',
  '🏳️‍🌈',
  '👍🏽',
  '🇩🇪',
  '❤️',
  '1️⃣',
  '\u200d',
  '\ufe0f',
  '🧑‍🚀',
)
const special = fc.constantFrom(
  '<|endoftext|>',
  '<|fim_prefix|>',
  '<|im_start|>',
  '<|start|>',
  '<|message|>',
  '<|endofprompt|>',
)
const control = fc.string({
  unit: oneOf('\0\x01\x07\b\x1b\x7f\x80\x9f\u200b\u2060\ufffd\uffff'),
  maxLength: 4,
})
const lone = fc.constantFrom('\ud800', '\udc00', '\udbff', '\udfff', '\udc00\ud800')
const code = fc.constantFrom(
  '() => {\n',
  '}\n\n',
  '  if (x) {\n',
  '// note\n',
  '/* a */',
  '=== ',
  '!==',
  '&&',
  '/path/to/file\n/',
  '<div>',
)

const fragment = fc.oneof(
  { arbitrary: plainWord, weight: 4 },
  { arbitrary: plainBlank, weight: 6 },
  word,
  word,
  contraction,
  blank,
  digits,
  signs,
  emoji,
  special,
  control,
  lone,
  code,
  fc.string({ unit, maxLength: 4 }),
  fc.string({ unit: point, maxLength: 4 }),
)

const short = fc.array(fragment, { maxLength: 14 }).map((parts) => parts.join(''))

/** One unbroken run of up to 300 characters, of one kind or of one fragment repeated. */
const long = fc.oneof(
  fc.string({ unit: letterOf, minLength: 30, maxLength: 300 }),
  fc.string({ unit: oneOf('abcdefghijklmnopqrstuvwxyz'), minLength: 30, maxLength: 300 }),
  fc.string({ unit: oneOf('ab'), minLength: 30, maxLength: 300 }),
  fc
    .tuple(fc.oneof(letterOf, emoji, signs, word, blank), fc.integer({ min: 1, max: 300 }))
    .map(([part, count]) => part.repeat(count).slice(0, 300)),
)

/** Text of every kind that the encodings tell apart, without the few {@link disputed} characters. */
export const texts: fc.Arbitrary<string> = fc
  .oneof({ arbitrary: short, weight: 19 }, { arbitrary: long, weight: 1 })
  .map((text) => text.replace(disputed, ''))

/** As {@link texts}, and with the disputed characters. */
export const allTexts: fc.Arbitrary<string> = fc
  .array(fc.oneof(short, fc.constantFrom('\u0085', '\ufeff', "'ſ", 'ſ', "it'ſ ")), { maxLength: 4 })
  .map((parts) => parts.join(''))
