import type { TarEntry } from './entry.ts'
import { padding } from './write-tar.ts'

/**
 * Files, directories and symbolic links of an archive, in its order, contents as views of
 * `archive`. Reads ustar with GNU's and POSIX's long names, which is what dpkg-deb and npm write.
 *
 * @throws Error where it is cut, or holds anything else (devices, hard links, sparse files).
 */
export function* readTar(archive: Buffer): Generator<TarEntry> {
  let long: { path?: string; target?: string } = {}
  for (let at = 0; at + 512 <= archive.length; ) {
    const block = archive.subarray(at, at + 512)
    if (block[0] === 0) return
    const size = number(block, 124, 12)
    const content = archive.subarray(at + 512, at + 512 + size)
    if (content.length < size) throw new Error('Cannot read the archive: it is cut')
    at += 512 + size + padding(size)
    const type = String.fromCharCode(block[156] ?? 0)
    if (type === 'L') long = { ...long, path: text(content, 0, size) }
    else if (type === 'K') long = { ...long, target: text(content, 0, size) }
    else if (type === 'x') long = { ...long, ...longNames(content) }
    else if (type !== 'g') {
      const entry = entryOf({ block, type, content, long })
      long = {}
      if (entry !== undefined) yield entry
    }
  }
}

interface Member {
  readonly block: Buffer
  readonly type: string
  readonly content: Buffer
  readonly long: { readonly path?: string; readonly target?: string }
}

function entryOf({ block, type, content, long }: Member): TarEntry | undefined {
  const prefix = text(block, 257, 5) === 'ustar' && block[262] === 0 ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  const whole = long.path ?? (prefix === '' ? name : `${prefix}/${name}`)
  const path = whole.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '')
  const mode = number(block, 100, 8) & 0o7777
  // The root itself, as archives made in a directory begin.
  if (path === '' || path === '.') return undefined
  if (path.split('/').includes('..')) throw new Error(`Cannot read '${path}': it leads outside`)
  if (type === '0' || type === '\0') return { kind: 'file', path, mode, content }
  if (type === '5') return { kind: 'directory', path, mode }
  if (type === '2') return { kind: 'link', path, target: long.target ?? text(block, 157, 100) }
  throw new Error(`Cannot read '${path}': members of type '${type}' are not expected`)
}

/** `path` and `linkpath` of an extended header: lines of `<length> <key>=<value>\n`. */
function longNames(content: Buffer): { path?: string; target?: string } {
  const found: { path?: string; target?: string } = {}
  for (const line of content.toString('utf8').split('\n')) {
    const [, key, value] = /^\d+ ([^=]+)=(.*)$/s.exec(line) ?? []
    if (value === undefined) continue
    if (key === 'path') found.path = value
    if (key === 'linkpath') found.target = value
    if (key === 'size') throw new Error('Cannot read the archive: a member has over 8 GiB')
  }
  return found
}

function text(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? field.length : end)
}

function number(block: Buffer, at: number, length: number): number {
  const digits = text(block, at, length).trim()
  if (!/^[0-7]*$/.test(digits)) throw new Error('Cannot read the archive: a number is not octal')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}
