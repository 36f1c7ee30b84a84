import type { TarEntry } from './entry.ts'

/** Archives are made of blocks: POSIX.1-2024, `pax`, "ustar Interchange Format". */
const blockBytes = 512

const types = { file: '0', link: '2', directory: '5' } as const

/**
 * An archive of `entries` in which nothing depends on the machine or the hour: sorted by the bytes
 * of their paths, owned by 0:0 without names, of 1970. Directories above an entry that are not
 * among them come with mode 755.
 *
 * @throws Error where a path comes twice or does not fit the format.
 */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = []
  for (const entry of withParents(entries)) {
    blocks.push(header(entry))
    if (entry.kind !== 'file') continue
    blocks.push(entry.content, Buffer.alloc(padding(entry.content.length)))
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)])
}

/** Bytes that fill up the last block of `length` bytes. */
export function padding(length: number): number {
  return (blockBytes - (length % blockBytes)) % blockBytes
}

function withParents(entries: readonly TarEntry[]): TarEntry[] {
  const byPath = new Map<string, TarEntry>()
  for (const entry of entries) {
    if (byPath.has(entry.path)) throw new Error(`Cannot write '${entry.path}': it comes twice`)
    byPath.set(entry.path, entry)
  }
  for (const { path } of entries) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const parent = path.slice(0, at)
      const known = byPath.get(parent)
      if (known === undefined) byPath.set(parent, { kind: 'directory', path: parent, mode: 0o755 })
      else if (known.kind !== 'directory')
        throw new Error(`Cannot write '${path}': '${parent}' is a ${known.kind}`)
    }
  }
  return [...byPath.values()].toSorted((one, two) =>
    Buffer.compare(Buffer.from(one.path), Buffer.from(two.path)),
  )
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes)
  const { name, prefix } = splitPath(entry.kind === 'directory' ? `${entry.path}/` : entry.path)
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
  block.write(name, 0)
  octal(entry.kind === 'link' ? 0o777 : entry.mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(entry.kind === 'file' ? entry.content.length : 0, 124, 12)
  octal(0, 136, 12)
  block.write(types[entry.kind], 156, 'latin1')
  if (entry.kind === 'link') {
    if (Buffer.byteLength(entry.target) > 100)
      throw new Error(`Cannot write '${entry.path}': its target is over 100 bytes`)
    block.write(entry.target, 157)
  }
  block.write('ustar\x0000', 257, 'latin1')
  octal(0, 329, 8)
  octal(0, 337, 8)
  block.write(prefix, 345)
  // The sum is taken with its own field as spaces.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A path over 100 bytes is parted at a slash, at most 155 bytes before it. */
function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (
    let at = path.indexOf('/');
    at !== -1 && at < path.length - 1;
    at = path.indexOf('/', at + 1)
  ) {
    const prefix = path.slice(0, at)
    const name = path.slice(at + 1)
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { name, prefix }
  }
  throw new Error(`Cannot write '${path}': the path is too long for an archive`)
}
