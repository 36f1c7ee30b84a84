import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Limiter } from '#ambassador/limits/limiter.ts'
import { MemoryStore } from '#ambassador/limits/memory-store.ts'
import { nothing } from '#ambassador/limits/quantities.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { limitConfig } from '../../limits/limit-config.ts'
import { stageOf } from '../complaints/stage.ts'
import { settle } from './stage.ts'

const expected = { requests: 1, inputTokens: 1, outputTokens: 1, picoUsd: undefined }

test('calls that wait leave with the limit’s error when it falls, who came last first', async (t) => {
  const { placing, clock, caller, place } = stageOf(t, 1)
  const limiter = new Limiter({ provider: 'main', store: new MemoryStore(), clock })
  const configure = (requests: number) => {
    const limits = [{ requests, per: 'day' }]
    limiter.configure(limitConfig({ search: { limits }, other: {} }))
  }
  configure(10)
  const codes = new Map<string, string>()
  const ask = (name: string, tenant: string, tokens: number) => {
    const call = caller()
    call.tenant = tenant
    const admission = limiter.admit({ tenant, class: call.class, model: 'm', expected })
    assert.ok(!(admission instanceof Promise))
    call.admission = admission
    const placed = place(tokens, name, call)
    placed.then(
      () => codes.set(name, 'placed'),
      (error: unknown) => {
        codes.set(name, error instanceof CallError ? error.code : 'strange')
        void admission.end(nothing)
      },
    )
    return placed
  }
  const first = await ask('first', 'search', 40_000)
  for (const name of ['second', 'third']) ask(name, 'search', 500).catch(() => undefined)
  ask('foreign', 'other', 500).catch(() => undefined)
  await settle()
  assert.deepEqual([...codes], [['first', 'placed']])
  assert.equal(placing.view().waiting.calls, 3)
  configure(2)
  placing.recall(limiter.recall())
  await settle()
  assert.deepEqual([...codes].slice(1), [['third', 'tenant-limit']])
  first.end()
  await settle()
  assert.equal(codes.get('second'), 'placed')
  assert.equal(codes.get('foreign'), 'placed')
})
