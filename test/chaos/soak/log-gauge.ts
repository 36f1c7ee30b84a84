import { closeSync, openSync, readSync, statSync, truncateSync } from 'node:fs'

/** What a log has got since it was last looked at. */
export interface Logged {
  readonly bytes: number
  readonly lines: number
  /** The longest line. */
  readonly longest: string
}

/**
 * Measures the log of a half and frees its place on the disk: a million calls are a gigabyte. The
 * half goes on writing where it was, so what is before that is a hole. What it writes between a look and
 * the freeing is part of the hole: its bytes count, and are no text.
 */
export class LogGauge {
  readonly #file: string
  #at = 0

  constructor(file: string) {
    this.#file = file
  }

  /** All since the last time; `onLine` is given each line. */
  take(onLine: (line: string) => void = () => {}): Logged {
    const text = this.#read()
    truncateSync(this.#file)
    const lines = text.split('\n').slice(0, -1)
    let longest = ''
    for (const written of lines) {
      const line = written.slice(written.lastIndexOf('\0') + 1)
      if (line.length > longest.length) longest = line
      onLine(line)
    }
    return { bytes: Buffer.byteLength(text), lines: lines.length, longest }
  }

  #read(): string {
    const { size } = statSync(this.#file)
    if (size <= this.#at) return ''
    const bytes = Buffer.alloc(size - this.#at)
    const file = openSync(this.#file, 'r')
    const read = readSync(file, bytes, 0, bytes.length, this.#at)
    closeSync(file)
    this.#at += read
    return bytes.toString('utf8', 0, read)
  }
}
