import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, errorTable } from '#shared/errors/table.ts'
import { ask, codeIn } from '../client.ts'
import type { Half } from '../harness.ts'
import { assertDocumented, assertEvent, rowOf, type Writer } from './documented.ts'
import { asking, directQuestion, heard, type Question, type SdkName, type Sdks } from './sdks.ts'

/** What every stage of rows has: the SDKs at its sidecar. */
export interface Stage {
  readonly sdks: Sdks
}

type Provoke<S> = (sdks: Sdks, stage: S) => Promise<unknown>

/** How one code of the table is provoked in both dialects. */
interface Refused<S> {
  readonly openai: Provoke<S>
  readonly anthropic: Provoke<S>
  readonly writer?: Writer
  /** Brings about what the refusal needs; undone afterwards. */
  readonly given?: (stage: S) => Promise<() => Promise<void>>
  /** Runs once both calls are on their way. */
  readonly meanwhile?: (stage: S) => Promise<void>
  /** The ambassador that raises it, asked the same without a sidecar. */
  readonly raisedBy?: (stage: S) => Half
  readonly direct?: Question
  /** A question whose stream breaks off with this error behind its first content. */
  readonly event?: Question
}

/** A code that nobody is told: it is seen from outside. */
interface Observed<S> {
  readonly observe: (stage: S) => Promise<void>
}

export type Row<S extends Stage> = Refused<S> | Observed<S>
export type Rows<S extends Stage> = Partial<Record<ErrorCode, Row<S>>>

const sdkNames = ['openai', 'anthropic'] as const satisfies readonly SdkName[]

/** A row for a question that both dialects ask in the same way. */
export function refusing<S extends Stage>(
  asked: Question,
  given: Partial<Refused<S>> = {},
): Refused<S> {
  return { ...asking(asked), direct: asked, ...given }
}

/** Registers the test of each row. The stage stands from the first to the last of them. */
export function provoke<S extends Stage>(rows: Rows<S>, stage: () => S): void {
  for (const [name, row] of Object.entries(rows)) {
    if (row === undefined || !isCode(name)) continue
    if ('observe' in row) {
      test(`${name} is seen from outside`, () => row.observe(stage()))
      continue
    }
    test(`${name} is raised as documented by both SDKs`, () => refuse(name, row, stage()))
  }
}

function isCode(name: string): name is ErrorCode {
  return Object.hasOwn(errorTable, name)
}

async function refuse<S extends Stage>(code: ErrorCode, row: Refused<S>, stage: S): Promise<void> {
  const undo = await row.given?.(stage)
  try {
    await Promise.all([
      ...sdkNames.map(async (sdk) => {
        const refusal = await heard(sdk, row[sdk](stage.sdks, stage))
        assertDocumented(refusal, code, row.writer ?? 'layer')
      }),
      row.meanwhile?.(stage),
      refuseDirectly(code, row, stage),
      ...sdkNames.map((sdk) => breakOff(sdk, code, { row, stage })),
    ])
  } finally {
    await undo?.()
  }
}

/** What the sidecar goes by, and keeps from the application. */
async function refuseDirectly<S extends Stage>(code: ErrorCode, row: Refused<S>, stage: S) {
  const half = row.raisedBy?.(stage)
  if (half === undefined) return
  const seen = await ask(half.port, directQuestion(row.direct ?? {}))
  const { status, replay, isLasting = false } = rowOf(code)
  assert.deepEqual([seen.status, codeIn(seen.body)], [status, code])
  assert.equal(seen.headers['x-outrigger-replay'], replay)
  // What no repetition helps names no time for one.
  const isSoon = replay === 'safe' && !isLasting && seen.headers['x-should-retry'] !== 'false'
  assert.equal(seen.headers['retry-after'], isSoon ? '1' : undefined)
}

async function breakOff<S extends Stage>(
  sdk: SdkName,
  code: ErrorCode,
  { row, stage }: { readonly row: Refused<S>; readonly stage: S },
): Promise<void> {
  if (row.event === undefined) return
  const stream = await asking({ ...row.event, stream: true, tokens: 20 })[sdk](stage.sdks)
  assertEvent(await heard(sdk, drain(stream)), code)
}

async function drain(stream: unknown): Promise<void> {
  assert.ok(typeof stream === 'object' && stream !== null && Symbol.asyncIterator in stream)
  const events = stream as AsyncIterable<unknown>
  for await (const event of events) assert.ok(event)
}
