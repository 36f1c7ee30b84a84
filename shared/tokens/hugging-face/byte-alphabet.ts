/**
 * Byte-level files write each byte as one printable character: the printable ones of Latin-1 as
 * themselves, the others from U+0100 on in their order (GPT-2, `encoder.py`, `bytes_to_unicode`).
 */
const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae

const characters: string[] = []
/** Byte by code unit of its character; -1 for other characters of this range. */
const bytes = new Int16Array(512).fill(-1)

let beyond = 0x100
for (let byte = 0; byte < 256; byte++) {
  const unit = isPrintable(byte) ? byte : beyond++
  characters[byte] = String.fromCharCode(unit)
  bytes[unit] = byte
}

/** The byte that a code unit stands for; -1 for none. */
export function byteOf(unit: number): number {
  return bytes[unit] ?? -1
}

const encoder = new TextEncoder()

/** The characters of the UTF-8 bytes of `text`. */
export function toAlphabet(text: string): string {
  let written = ''
  for (const byte of encoder.encode(text)) written += characters[byte] ?? ''
  return written
}

/** The bytes that `written` stands for; undefined where a character stands for none. */
export function fromAlphabet(written: string): Uint8Array | undefined {
  const found = new Uint8Array(written.length)
  for (let at = 0; at < written.length; at++) {
    const byte = byteOf(written.charCodeAt(at))
    if (byte < 0) return undefined
    found[at] = byte
  }
  return found
}
