/** Where one part writes. */
export interface Page {
  line(text: string): void
  /** Nothing follows. */
  end(): void
}

interface Kept {
  readonly rank: number
  lines: string[]
  hasEnded: boolean
}

/**
 * What parts that run beside each other write, one part after the other: the lines of one are written
 * as they come, those of the others are kept until it has ended. A part's own lines keep their order.
 */
export class Transcript {
  readonly #write: (text: string) => void
  #kept: Kept[] = []
  #shown: Kept | undefined

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  /** A new page; of those that wait, the one of the lowest `rank` is shown next. */
  begin(title: string, rank: number): Page {
    const kept: Kept = { rank, lines: [`== ${title}`], hasEnded: false }
    this.#kept.push(kept)
    this.#show()
    return {
      line: (text) => {
        kept.lines.push(text)
        if (kept === this.#shown) this.#flush(kept)
      },
      end: () => {
        kept.hasEnded = true
        this.#show()
      },
    }
  }

  /** Writes all that is kept, of parts that have not ended too: nothing follows. */
  close(): void {
    if (this.#shown !== undefined) this.#flush(this.#shown)
    for (const kept of this.#kept) this.#flush(kept)
    this.#kept = []
  }

  #show(): void {
    if (this.#shown?.hasEnded === false) return
    // Who has ended is told of at once, then somebody who goes on is followed.
    for (const kept of this.#kept) if (kept.hasEnded) this.#flush(kept)
    this.#kept = this.#kept.filter(({ hasEnded }) => !hasEnded)
    const [next] = this.#kept.toSorted((one, other) => one.rank - other.rank)
    this.#shown = next
    if (next !== undefined) this.#flush(next)
  }

  #flush(kept: Kept): void {
    if (kept.lines.length > 0) this.#write(`${kept.lines.join('\n')}\n`)
    kept.lines = []
  }
}
