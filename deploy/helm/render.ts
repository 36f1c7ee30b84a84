import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { chart } from './generate.ts'

/**
 * `node deploy/helm/render.ts --values FILE [--kube-version 1.36.0]` writes the chart's objects as
 * plain manifests to stdout, for those who apply without Helm. Hooks are left out: they only say in
 * which order Helm takes away.
 */
const { values } = parseArgs({
  options: {
    values: { type: 'string', multiple: true, default: [] },
    namespace: { type: 'string', default: 'outrigger-system' },
    'kube-version': { type: 'string', default: '1.36.0' },
  },
})
const where = ['--namespace', values.namespace, '--kube-version', values['kube-version']]
const files = values.values.flatMap((file) => ['--values', file])
const rendered = await helm(['template', 'outrigger', chart, ...where, '--no-hooks', ...files])
for (const document of parseAllDocuments(rendered)) {
  if (document.contents !== null)
    process.stdout.write(`---\n${document.toString({ lineWidth: 0 })}`)
}

/** Runs the one on PATH, else the one that the tests on a cluster have built. */
async function helm(args: readonly string[]): Promise<string> {
  for (const program of ['helm', ...globSync(join(homedir(), '.cache/outrigger/helm/*/helm'))]) {
    try {
      return (await promisify(execFile)(program, [...args], { maxBuffer: 2 ** 26 })).stdout
    } catch (error) {
      const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!isAbsent) throw error
    }
  }
  throw new Error('Cannot render the chart: there is no helm on PATH; install Helm 3 or 4')
}
