/** One member of an archive. Paths are relative, without a slash at either end: `node/bin/node`. */
export type TarEntry =
  | {
      readonly kind: 'file'
      readonly path: string
      readonly mode: number
      readonly content: Buffer
    }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

/** A file as images have most of them: read by everyone, written by root. */
export function file(path: string, content: string | Buffer, mode = 0o644): TarEntry {
  return { kind: 'file', path, mode, content: Buffer.from(content) }
}
