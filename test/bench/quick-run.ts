import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const main = join(import.meta.dirname, 'main.ts')

/** What one part of a quick run writes to the file of its name. */
export async function quickRun(part: string): Promise<unknown> {
  const out = await mkdtemp(join(tmpdir(), 'outrigger-bench-smoke-'))
  try {
    await run(process.execPath, [main, '--quick', '--only', part, '--out', out])
    return JSON.parse(await readFile(join(out, `${part}.json`), 'utf8'))
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
