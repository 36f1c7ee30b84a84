import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import { boundaryOf, partName } from '#shared/passthrough/part-name.ts'
import { PartScanner } from '#shared/passthrough/part-scanner.ts'

const line = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`
const form = (...parts: readonly (readonly [string, string])[]) =>
  `${parts.map(([name, value]) => `${line(name)}${value}\r\n`).join('')}--b--\r\n`

function through(text: string, cuts: readonly number[], other = (value: string) => value): string {
  const scanner = new PartScanner('b', { onModel: other })
  const bytes = Buffer.from(text)
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
  const out: Buffer[] = []
  let at = 0
  for (const end of ends.toSorted((one, next) => one - next)) {
    out.push(Buffer.from(scanner.feed(bytes.subarray(at, end))))
    at = end
  }
  out.push(scanner.end())
  return Buffer.concat(out).toString()
}

const value = fc
  .array(fc.constantFrom('x', '\r', '\n', '\r\n--', '\r\n-', '--b', 'ü', '\0', ' '), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(''))
  // No sender chooses a boundary that its parts have.
  .filter((text) => !`\r\n${text}`.includes('\r\n--b'))

test('a form comes out as it went in, but for the value of its model, however it is split', () => {
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 3 }),
      fc.array(value, { maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (before, after, cuts) => {
        const parts = (model: string) => [
          ...before.map((text) => ['file', text] as const),
          ['model', model] as const,
          ...after.map((text) => ['other', text] as const),
        ]
        const out = through(form(...parts('alias')), cuts, () => 'the-target')
        assert.equal(out, form(...parts('the-target')))
      },
    ),
  )
})

test('what readers could take apart in two ways is refused', () => {
  const broken = [
    'no form',
    ` ${form(['a', 'x'])}`,
    `\r\n${form(['a', 'x'])}`,
    form(['a', 'x']).slice(0, -6),
    '--b\nContent-Disposition: form-data; name="a"\n\nx\n--b--',
    '--bb\r\n\r\n',
    '--b\r\n\r\nx\r\n--b--',
    '--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--',
    '--b\r\nContent-Disposition: form-data; name="a"; name="model"\r\n\r\nx\r\n--b--',
    '--b\r\nContent-Disposition: form-data; name="a"; name*=utf-8\'\'model\r\n\r\nx\r\n--b--',
    '--b\r\nContent-Disposition: form-data;\r\n name="model"\r\n\r\nx\r\n--b--',
    '--b\r\nContent-Disposition: attachment; name="model"\r\n\r\nx\r\n--b--',
    form(['model', 'x'], ['model', 'y']),
    form(['model', 'x'.repeat(5_000)]),
    `--b\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
  ]
  for (const text of broken) {
    assert.throws(() => through(text, []), CallError, text.slice(0, 100))
    assert.throws(() => through(text, [3, 9, 40, 70]), CallError, text.slice(0, 100))
  }
})

test('names and boundaries are read as RFC 7578 and RFC 2046 have them', () => {
  assert.equal(partName('content-disposition: form-data; name=model'), 'model')
  assert.equal(
    partName('X: y\r\nCONTENT-DISPOSITION:form-data ; filename="a;name=b"; name="m\\"o"'),
    'm"o',
  )
  assert.equal(partName('content-disposition: form-data; name="a" name="model"'), undefined)
  assert.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc')
  assert.equal(boundaryOf('Multipart/Form-Data; charset=x; BOUNDARY="a b"'), 'a b')
  assert.equal(boundaryOf('multipart/form-data; boundary=a; boundary=b'), undefined)
  assert.equal(boundaryOf('multipart/mixed; boundary=a'), undefined)
  assert.equal(boundaryOf('multipart/form-data'), undefined)
})
