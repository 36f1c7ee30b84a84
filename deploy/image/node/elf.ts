/**
 * 64-bit little-endian ELF files, as both architectures have them: System V ABI, chapters 4 and 5
 * (`elf.h` has the numbers).
 */

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly fileBytes: number
}

const loaded = 1
const dynamic = 2
const interpreter = 3

/**
 * `binary` without what is never loaded: symbols, their names and the table of sections, which lie
 * behind all segments. Gives what `strip` does, for any architecture on any machine: 150 MB of Node
 * become 116. Symbols that Node exports to addons are loaded and stay, and so do names in crash
 * reports.
 *
 * @throws Error where it is no such file.
 */
export function withoutSymbols(binary: Buffer): Buffer {
  const ends = segments(binary).map(({ offset, fileBytes }) => offset + fileBytes)
  const kept = Buffer.from(binary.subarray(0, Math.max(headerEnd(binary), ...ends)))
  // e_shoff, e_shnum, e_shstrndx: there is no table of sections.
  kept.writeBigUInt64LE(0n, 40)
  kept.writeUInt16LE(0, 60)
  kept.writeUInt16LE(0, 62)
  return kept
}

/**
 * Names of the libraries that `binary` asks for, such as `libc.so.6`, and the path of the loader
 * that it names; both empty for what is linked statically.
 *
 * @throws Error where it is no ELF file of 64 bits.
 */
export function librariesOf(binary: Buffer): { names: string[]; loader: string | undefined } {
  const all = segments(binary)
  const table = all.find(({ type }) => type === dynamic)
  const named = all.find(({ type }) => type === interpreter)
  const loader = named === undefined ? undefined : textAt(binary, named.offset)
  if (table === undefined) return { names: [], loader }
  const offsets: number[] = []
  let strings = 0
  for (let at = table.offset; at < table.offset + table.fileBytes; at += 16) {
    const tag = number(binary, at)
    const value = number(binary, at + 8)
    // DT_NULL, DT_NEEDED, DT_STRTAB
    if (tag === 0) break
    if (tag === 1) offsets.push(value)
    if (tag === 5) strings = fileOffset(all, value)
  }
  return { names: offsets.map((offset) => textAt(binary, strings + offset)), loader }
}

function segments(binary: Buffer): Segment[] {
  const isElf64 = binary.length >= 64 && binary.readUInt32BE(0) === 0x7f454c46 && binary[4] === 2
  if (!isElf64 || binary[5] !== 1) throw new Error('Cannot read the binary: it is no 64-bit ELF')
  const start = number(binary, 32)
  const bytes = binary.readUInt16LE(54)
  return Array.from({ length: binary.readUInt16LE(56) }, (_, index) => {
    const at = start + index * bytes
    return {
      type: binary.readUInt32LE(at),
      offset: number(binary, at + 8),
      address: number(binary, at + 16),
      fileBytes: number(binary, at + 32),
    }
  })
}

function headerEnd(binary: Buffer): number {
  return number(binary, 32) + binary.readUInt16LE(54) * binary.readUInt16LE(56)
}

function fileOffset(all: readonly Segment[], address: number): number {
  const holder = all.find(
    (one) => one.type === loaded && address >= one.address && address < one.address + one.fileBytes,
  )
  if (holder === undefined) throw new Error('Cannot read the binary: its strings are not loaded')
  return holder.offset + address - holder.address
}

function textAt(binary: Buffer, offset: number): string {
  return binary.toString('latin1', offset, binary.indexOf(0, offset))
}

function number(binary: Buffer, at: number): number {
  return Number(binary.readBigUInt64LE(at))
}
