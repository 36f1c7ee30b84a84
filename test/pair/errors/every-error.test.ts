import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ErrorCode, errorTable } from '#shared/errors/table.ts'
import { ambassadorRows } from './ambassador-rows.ts'
import { callerRows } from './caller-rows.ts'
import { providerRows } from './provider-rows.ts'
import { provoke, type Stage } from './row.ts'
import { sidecarRows } from './sidecar-rows.ts'
import { startAmbassadorStage, startApplicationStage, startProviderStage } from './stages.ts'

const provoked = {
  ...callerRows,
  ...sidecarRows,
  ...ambassadorRows,
  ...providerRows,
} satisfies Record<ErrorCode, unknown>

interface Closing extends Stage {
  close(): Promise<void>
}

/** One group: its stage stands while its rows are provoked. */
function group<S extends Closing>(start: () => Promise<S>, register: (stage: () => S) => void) {
  let stage: S | undefined
  before(async () => {
    stage = await start()
  })
  after(async () => stage?.close())
  register(() => {
    assert.ok(stage !== undefined)
    return stage
  })
}

/** Rows of one group go one by one where they fill or end a process. */
describe('every error over a socket', { concurrency: true }, () => {
  describe('of the caller and of the sidecar', { concurrency: 1 }, () => {
    group(startApplicationStage, (stage) => {
      provoke(callerRows, stage)
      provoke(sidecarRows, stage)
    })
  })
  describe('of the ambassador', { concurrency: 1 }, () => {
    group(startAmbassadorStage, (stage) => provoke(ambassadorRows, stage))
  })
  describe('of what stands behind', { concurrency: true }, () => {
    group(startProviderStage, (stage) => provoke(providerRows, stage))
  })
})

test('the codes that are provoked are those of the table', () => {
  assert.deepEqual(Object.keys(provoked).toSorted(), Object.keys(errorTable).toSorted())
})
