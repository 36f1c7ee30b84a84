import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { imageSizeOfBase64 } from '#shared/tokens/request/image-size.ts'
import { pngBase64 } from './png.ts'

const size = { width: 800, height: 600 }

function sizeOf(hex: string) {
  return imageSizeOfBase64(Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('base64'))
}

function jpeg(segmentBytes: number): string {
  const profile = Buffer.alloc(segmentBytes + 2)
  profile.writeUInt16BE(0xffe2)
  profile.writeUInt16BE(segmentBytes, 2)
  const frame = Buffer.from('ffc0001108025803200301220002110103', 'hex')
  return Buffer.concat([Buffer.from('ffd8', 'hex'), profile, profile, frame]).toString('base64')
}

test('the size of a PNG stands in its first chunk', () => {
  assert.deepEqual(imageSizeOfBase64(pngBase64(800, 600)), size)
})

test('the size of a GIF stands in its screen descriptor', () => {
  assert.deepEqual(sizeOf('474946383961 2003 5802 f70000'), size)
})

test('the size of a WebP is read from all three kinds of chunk', () => {
  const riff = '52494646 00000000 57454250'
  assert.deepEqual(sizeOf(`${riff} 56503858 0a000000 00000000 1f0300 570200`), size)
  assert.deepEqual(sizeOf(`${riff} 56503820 00000000 000000 9d012a 2003 5802`), size)
  const bits = (799 | (599 << 14)) >>> 0
  const word = Buffer.alloc(4)
  word.writeUInt32LE(bits)
  assert.deepEqual(sizeOf(`${riff} 5650384c 00000000 2f ${word.toString('hex')} 0000000000`), size)
})

test('the size of a JPEG is found behind long profiles', () => {
  assert.deepEqual(imageSizeOfBase64(jpeg(20)), size)
  assert.deepEqual(imageSizeOfBase64(jpeg(60_000)), size)
})

test('what is no image, or a broken one, has no size and never throws', () => {
  for (const text of [
    '',
    'x',
    'aGVsbG8gd29ybGQ=',
    '/9j/',
    pngBase64(0, 10),
    pngBase64(9, 65_536),
    '/9j/////',
  ]) {
    assert.equal(imageSizeOfBase64(text), undefined, text)
  }
  const heads = fc.constantFrom('ffd8ff', '89504e47', '47494638', '52494646', '')
  fc.assert(
    fc.property(heads, fc.uint8Array({ maxLength: 80 }), (head, rest) => {
      const bytes = Buffer.concat([Buffer.from(head, 'hex'), rest])
      const found = imageSizeOfBase64(bytes.toString('base64'))
      if (found !== undefined) assert.ok(found.width > 0 && found.height > 0)
    }),
  )
})
