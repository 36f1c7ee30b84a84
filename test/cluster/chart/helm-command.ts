import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { chart } from '#deploy/helm/generate.ts'
import { helmBinary } from '../helm/helm.ts'

/** A rendered object as far as tests look into all of them. */
export interface Rendered {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
}

export const exampleFiles = ['hosted', 'pool', 'mesh'].map((name) =>
  join(chart, '..', 'examples', `values-${name}.yaml`),
)
export const [hosted = '', pool = '', mesh = ''] = exampleFiles

const home = mkdtempSync(join(tmpdir(), 'outrigger-helm-'))
process.once('exit', () => rmSync(home, { recursive: true, force: true }))
const binary = await helmBinary()

const homes = ['CACHE', 'CONFIG', 'DATA'].map((name) => [`HELM_${name}_HOME`, home] as const)
const options = { timeout: 90_000, env: { ...process.env, ...Object.fromEntries(homes) } }

/** Runs Helm with a home of its own. Throws with what it said where it fails. */
export function helm(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(binary, [...args], { ...options, encoding: 'utf8' })
  if (status !== 0) throw new Error(`helm ${args[0]}: ${stderr}${stdout}`)
  return stdout
}

/** The same, while this process does other things. */
export async function helmAside(args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(binary, [...args], options)).stdout
}

/** The chart's objects with the values of `file`, hooks included, in the order of installation. */
export function render(file: string, ...more: readonly string[]): readonly Rendered[] {
  const args = ['template', 'outrigger', chart, '--namespace', 'outrigger-system', '--values', file]
  const text = helm([...args, '--kube-version', '1.36.0', ...more])
  return parseAllDocuments(text)
    .map((document): Rendered | null => document.toJS())
    .filter((object) => object !== null)
}

export const isHook = ({ metadata }: Rendered) =>
  metadata.annotations?.['helm.sh/hook'] !== undefined
