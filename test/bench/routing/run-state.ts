import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What a bench has done so far, a file for each piece, so that a second start goes on where the first
 * was stopped. Files are put in place whole.
 */
export class RunState {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  /** The text written under the name, or undefined. */
  read(name: string): string | undefined {
    try {
      return readFileSync(this.#path(name), 'utf8')
    } catch {
      // Not there: not done yet.
      return undefined
    }
  }

  write(name: string, text: string): void {
    const path = this.#path(name)
    // Two workers may write one piece; what they write is equal.
    const aside = `${path}.${process.pid}-${performance.now()}`
    writeFileSync(aside, text)
    renameSync(aside, path)
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true })
    mkdirSync(this.#folder, { recursive: true })
  }

  #path(name: string): string {
    return join(this.#folder, `${name.replaceAll(/[^\w.]+/g, '-')}.json`)
  }
}
