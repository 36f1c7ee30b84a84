import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { markText, prefixText, samplesOf } from '#ambassador/pool/decisions/prefix-samples.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'
import { failureText, replay } from '#deploy/simulator/replay/replay.ts'

/** A file with this text, until the test has ended. */
export function logFile(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-replay-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'ambassador.log')
  writeFileSync(path, text)
  return path
}

/** What a replay prints, or why it does not. */
export function replayed(...argv: string[]): { readonly out: string; readonly failure: string } {
  let out = ''
  const write = (text: string) => {
    out += text
  }
  try {
    replay(argv, { write, tell() {} })
    return { out, failure: '' }
  } catch (error) {
    const failure = failureText(error)
    if (failure === undefined) throw error
    return { out, failure }
  }
}

/** The line of a call whose prompt has these blocks of 16 tokens, with other members. */
export function decisionText(at: number, keys: readonly number[], more: object = {}): string {
  const samples = samplesOf(chainOf(Float64Array.from(keys)), [keys.length])
  return JSON.stringify({
    level: 'info',
    time: at + 400,
    half: 'ambassador',
    call: `call-${at}`,
    at,
    tenant: 'acme',
    class: 'interactive',
    model: 'm',
    adapter: '',
    promptTokens: keys.length * 16,
    blockTokens: 16,
    step: samples.step,
    prefix: prefixText(samples),
    marks: samples.marks.map(markText),
    outputTokens: 20,
    replicas: 2,
    kvBlocks: 1_000,
    cachedReported: 0,
    promptReported: keys.length * 16,
    ttftMs: 100,
    durationMs: 400,
    msg: 'decision',
    ...more,
  })
}
