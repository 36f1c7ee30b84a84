import { closeSync, openSync, readSync } from 'node:fs'
import { CommandFailure, exits } from '#deploy/cli/terminal/failure.ts'

/** One line of a file, and where it stands. */
export interface FileLine {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** In bytes. */
  readonly offset: number
  readonly length: number
}

const chunkBytes = 2 ** 20
/** A decision has 2 KiB at most, an access line hardly more. */
const lineBytesMax = 2 ** 16
const lineFeed = 10

/** A file of lines that is read in pieces, and again from the middle: it is never held whole. */
export class DecisionFile {
  readonly path: string
  readonly #descriptor: number

  /** Throws `CommandFailure` where it cannot be read. */
  constructor(path: string) {
    this.path = path
    try {
      this.#descriptor = openSync(path, 'r')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      throw new CommandFailure(`Cannot read '${path}': ${code}.`, {
        exit: exits.usage,
        remedy: 'See that the path is right.',
      })
    }
  }

  /** In order. Throws `CommandFailure` at a line that is too long to be one of ours. */
  *lines(): Generator<FileLine> {
    const buffer = Buffer.alloc(chunkBytes + lineBytesMax)
    let number = 1
    let offset = 0
    for (let kept = 0, isEnd = false; !isEnd; ) {
      const read = readSync(this.#descriptor, buffer, kept, chunkBytes, offset + kept)
      isEnd = read === 0
      const bytes = buffer.subarray(0, kept + read)
      let from = 0
      for (let to = bytes.indexOf(lineFeed); to >= 0; to = bytes.indexOf(lineFeed, from)) {
        const length = to - from
        yield { number, text: bytes.toString('utf8', from, to), offset: offset + from, length }
        from = to + 1
        number += 1
      }
      kept = bytes.length - from
      if (kept > lineBytesMax) throw this.problem(number, 'is longer than 64 KiB')
      buffer.copyWithin(0, from, bytes.length)
      offset += from
      if (isEnd && kept > 0) {
        yield { number, text: buffer.toString('utf8', 0, kept), offset, length: kept }
      }
    }
  }

  textAt({ offset, length }: Pick<FileLine, 'offset' | 'length'>): string {
    const buffer = Buffer.alloc(length)
    const read = readSync(this.#descriptor, buffer, 0, length, offset)
    return buffer.toString('utf8', 0, read)
  }

  /** What is said of a line that cannot be used. */
  problem(number: number, why: string): CommandFailure {
    return new CommandFailure(`Cannot replay '${this.path}': line ${number} ${why}.`, {
      exit: exits.usage,
      remedy: `Leave out what is none: grep '"msg":"decision"' '${this.path}', and the line itself where it was cut.`,
    })
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
