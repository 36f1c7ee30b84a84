import type { ImageSize } from './image-cost.ts'
import { headOf, type Text } from './value.ts'

/** Base64 characters that hold the size in every format but JPEG. */
const headCharacters = 64
/**
 * Base64 characters searched for a JPEG's frame header: it follows profiles and thumbnails, which
 * stay below this in what cameras write.
 */
const jpegCharacters = 1_048_576

/**
 * Reads the size of a PNG, JPEG, GIF or WebP image from its base64 text, decoding no more of it than
 * the header needs. Undefined for other formats and for broken headers. Sources: W3C PNG 11.2.2,
 * ITU T.81 B.2.2, GIF89a 18, RFC 9649.
 */
export function imageSizeOfBase64(base64: Text): ImageSize | undefined {
  const head = Buffer.from(headOf(base64, headCharacters), 'base64')
  if (head.length < 4) return undefined
  if (head[0] === 0xff && head[1] === 0xd8) return jpegSize(base64)
  return checked(pngSize(head) ?? gifSize(head) ?? webpSize(head))
}

/** The longest side a JPEG can have. What claims to be larger is refused or a lie: size unknown. */
const sideMax = 65_535

function checked(size: ImageSize | undefined): ImageSize | undefined {
  if (size === undefined) return undefined
  const isCredible = [size.width, size.height].every((side) => side > 0 && side <= sideMax)
  return isCredible ? size : undefined
}

function pngSize(head: Buffer): ImageSize | undefined {
  if (head.length < 24 || head.readUInt32BE(0) !== 0x89504e47) return undefined
  return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) }
}

function gifSize(head: Buffer): ImageSize | undefined {
  if (head.length < 10 || head.toString('latin1', 0, 4) !== 'GIF8') return undefined
  return { width: head.readUInt16LE(6), height: head.readUInt16LE(8) }
}

function webpSize(head: Buffer): ImageSize | undefined {
  if (head.length < 30 || head.toString('latin1', 8, 12) !== 'WEBP') return undefined
  const chunk = head.toString('latin1', 12, 16)
  if (chunk === 'VP8X') {
    return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 }
  }
  if (chunk === 'VP8 ') {
    return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff }
  }
  if (chunk !== 'VP8L') return undefined
  const bits = head.readUInt32LE(21)
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}

function jpegSize(base64: Text): ImageSize | undefined {
  // Most frames start early: the whole allowance is decoded only where a small piece is too short.
  for (const characters of [8192, jpegCharacters]) {
    const size = frameSize(Buffer.from(headOf(base64, characters), 'base64'))
    if (size !== undefined) return checked(size)
    if (base64.length <= characters) return undefined
  }
  return undefined
}

/** Walks the segments to the first frame header (SOF0 to SOF15 without DHT, JPG and DAC). */
function frameSize(bytes: Buffer): ImageSize | undefined {
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xff) at += 1
    else if (isFrame(marker)) {
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
    } else at += 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}
