import type { Wishes } from './config-text.ts'
import type { LoadProcess } from './processes.ts'
import type { Routes } from './routes.ts'
import type { Table } from './table.ts'
import type { Verdict } from './targets.ts'

/** What a trial may use. Whatever it starts it ends. */
export interface Trying {
  readonly routes: Routes
  readonly load: LoadProcess
  /** Short and indicative. */
  readonly isQuick: boolean
  say(text: string): void
}

/** What a trial has found, for the file of its name and for the report. */
export interface Finding {
  readonly name: string
  readonly title: string
  /** How it was measured, and what is configured otherwise than by default. */
  readonly text: string
  readonly table: Table
  /** What is judged of it. */
  readonly verdicts: readonly Verdict[]
  /** The figures of the table and those behind them. */
  readonly figures: object
}

/** Something that happens to processes of its own: a storm, a queue, a provider that stalls. */
export interface Trial {
  readonly name: string
  /** The configurations that it needs: a test holds them to the schema. */
  readonly wishes: readonly Wishes[]
  run(trying: Trying): Promise<Finding>
}
