import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'

/** Codings of a request's body that are undone, as `accept-encoding` names them (RFC 9110, 8.4). */
export const bodyCodings = ['gzip', 'deflate', 'br', 'zstd'] as const

export type BodyCoding = (typeof bodyCodings)[number]

/** The one that a `content-encoding` names; undefined for every other, a list of several included. */
export function codingOf(name: string): BodyCoding | undefined {
  const asked = name.toLowerCase()
  return bodyCodings.find((coding) => coding === asked || `x-${coding}` === asked)
}

/** log2 of 8 MiB: what a sender may ask of every receiver (RFC 8878, 3.1.1.1.2). */
const zstdWindowLog = 23

/**
 * What undoes `coding`. `first`: the body's first byte, by which the two things that are sent as
 * `deflate` differ: the name means the zlib form, and some send it without that frame.
 */
export function decompressor(coding: BodyCoding, first: number): Transform {
  switch (coding) {
    case 'gzip':
      return createGunzip()
    case 'deflate':
      return isZlib(first) ? createInflate() : createInflateRaw()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress({
        params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog },
      })
  }
}

/** The method of RFC 1950 is 8; a raw stream would begin with an empty stored block of odd padding. */
function isZlib(first: number): boolean {
  return (first & 0x0f) === 8
}
