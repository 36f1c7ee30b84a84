import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { type Fields, isFields, parseJson, textOr } from '#deploy/simulator/narrow.ts'
import { features } from '../../clients/matrix/feature.ts'
import { Stages } from '../../clients/matrix/stage.ts'
import { holdReadme, type Tried } from '../../clients/matrix/table.ts'
import { pythonEnvironment } from './environment.ts'

/** Clients times features: a program that ends early fails. */
const clients = 7

function triedOf(line: Fields): Tried {
  const feature = features.find((name) => name === line['feature'])
  assert.ok(feature !== undefined, `there is no feature '${textOr(line['feature'], '')}'`)
  return {
    package: textOr(line['package'], ''),
    version: textOr(line['version'], ''),
    dialect: textOr(line['dialect'], ''),
    feature,
    works: line['error'] === undefined,
    note: typeof line['note'] === 'string' ? line['note'] : undefined,
  }
}

test('clients in Python, unchanged', async (t) => {
  const python = await pythonEnvironment()
  if (python.kind === 'absent') {
    t.skip(python.reason)
    return
  }
  const stages = await Stages.start()
  t.after(() => stages.close())
  const { openai, anthropic } = stages
  const child = spawn(python.path, [join(import.meta.dirname, 'run.py')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      STAGE_OPENAI: `http://127.0.0.1:${openai.port}/v1`,
      STAGE_ANTHROPIC: `http://127.0.0.1:${anthropic.port}`,
      STAGE_CALLS: `http://127.0.0.1:${openai.provider.port}/calls`,
      STAGE_ATTEMPTS: String(openai.attempts),
      // No proxy and no tracing service of the machine's is asked.
      NO_PROXY: '*',
      HOME: '/nonexistent',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const tried: Tried[] = []
  for await (const text of createInterface({ input: child.stdout })) {
    const line = parseJson(text)
    assert.ok(isFields(line), text)
    const one = triedOf(line)
    await t.test(`${one.package}, ${one.dialect}: ${one.feature}`, () =>
      assert.equal(line['error'], undefined, textOr(line['error'], '')),
    )
    tried.push(one)
  }
  await ended
  assert.equal(tried.length, clients * features.length)
  await t.test('the README shows what each client did', () => holdReadme('clients-python', tried))
})
