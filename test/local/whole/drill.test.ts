import { test } from 'node:test'
import { assertKept } from '../drill-run.ts'

test('kill: every call is answered by a target that can, within the ceiling', () =>
  assertKept('kill'))
