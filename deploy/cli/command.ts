import type { Cluster } from './cluster/cluster.ts'
import type { Exit } from './terminal/failure.ts'
import type { Terminal } from './terminal/terminal.ts'

/** An option as it is written in help: without `value` it is a flag. */
export interface OptionSpec {
  /** What stands for its value in help: `FILE`, `5m`. */
  readonly value?: string
  readonly about: string
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

/** The options that were given. */
export class Options {
  readonly #given: ReadonlyMap<string, string>

  /** Flags have the value `''`. */
  constructor(given: ReadonlyMap<string, string>) {
    this.#given = given
  }

  has(name: string): boolean {
    return this.#given.has(name)
  }

  text(name: string): string | undefined {
    return this.#given.get(name)
  }
}

/** One use of a command. */
export interface CommandCall {
  readonly options: Options
  /** What is left besides the command's name and its options. */
  readonly operands: readonly string[]
  readonly terminal: Terminal
  /** Opened when it is asked for: commands that need none work without one. */
  readonly cluster: () => Promise<Cluster>
  /** Given by `--namespace`. */
  readonly namespace: string | undefined
}

/** What a command gives: `text` for people, `data` for machines. */
export interface Outcome {
  readonly exit: Exit
  /** Ends with a line feed, or is empty. */
  readonly text: string
  /** What `--output json` writes; undefined where the command writes a form of its own. */
  readonly data?: unknown
}

export interface Command {
  /** One word or two: `config status`. */
  readonly name: string
  /** Its operand as it is written, in brackets where it may be left out: `[FILE|-]`; empty: none. */
  readonly operands: '' | 'FILE|-' | '[FILE|-]' | '[NAME]' | 'ID'
  /** In one line. */
  readonly summary: string
  /** What there is to know; line breaks are made anew. */
  readonly about: string
  readonly options: OptionTable
  readonly example: string
  readonly load: () => Promise<(call: CommandCall) => Promise<Outcome>>
}
