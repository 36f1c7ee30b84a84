import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { demoConfig } from '#deploy/cli/drill/drill-system.ts'
import { Output, root } from './local-system.ts'

/** `npm run drill` with these words, running. */
export function drill(...args: string[]) {
  const entry = resolve(root, 'deploy', 'cli', 'drill', 'main.ts')
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  return { child, ended, out: new Output(child.stdout), log: new Output(child.stderr) }
}

/**
 * Promises whose keeping does not depend on how fast this machine is. That one probe passes an open
 * breaker does: what is on its way when a breaker opens reaches the provider after it has counted.
 */
const sure = new Set(['failed', 'cut', 'attempts', 'count', 'breaker-others'])

/** The demo's settings are short for somebody who watches: a busy machine is slower than they allow. */
const patient = [
  ['within: 6s', 'within: 40s'],
  ['deadline: 20s', 'deadline: 50s'],
  ['head: 3s', 'head: 30s'],
  ['slow: 1500ms', 'slow: 20s'],
] as const

const directory = mkdtempSync(join(tmpdir(), 'outrigger-drill-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const config = join(directory, 'patient.yaml')
writeFileSync(config, patientText())

function patientText(): string {
  return patient.reduce(
    (text, [short, long]) => {
      assert.equal(text.split(short).length, 2, short)
      return text.replace(short, long)
    },
    readFileSync(demoConfig, 'utf8'),
  )
}

async function verdicts(name: string): Promise<Record<string, string>> {
  const { ended, out, log } = drill(
    name,
    '--config',
    config,
    '--seconds',
    '1',
    '--rate',
    '6',
    '--json',
  )
  await ended
  assert.ok(out.text.startsWith('{'), log.text)
  const { rows } = JSON.parse(out.text)
  const found: Record<string, string> = {}
  for (const { id, verdict, seen } of rows) if (sure.has(id)) found[id] = `${verdict}: ${seen}`
  return found
}

/** One short drill: every call is answered by a target that can, within the ceiling of attempts. */
export async function assertKept(name: string): Promise<void> {
  const found = await verdicts(name)
  assert.match(found['failed'] ?? '', /^kept: none$/)
  assert.match(found['attempts'] ?? '', /^kept: /)
  for (const verdict of Object.values(found)) assert.match(verdict, /^(kept|told): /)
}
