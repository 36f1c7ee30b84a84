import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cells } from './cells.ts'
import { RunState } from './run-state.ts'
import { unitId } from './unit.ts'

test('what was written is there for the next start, until it is cleared', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'run-state-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const state = new RunState(folder)
  assert.equal(state.read('one'), undefined)
  state.write('one', '1')
  state.write('one', '2')
  assert.equal(new RunState(folder).read('one'), '2')
  assert.equal(state.read('other'), undefined)
  state.clear()
  assert.equal(state.read('one'), undefined)
})

test('every unit of the bench has a file of its own', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'run-state-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const state = new RunState(folder)
  for (const cell of cells) state.write(unitId({ kind: 'cell', cell, seed: 1 }), cell.id)
  assert.equal(readdirSync(folder).length, cells.length)
})
