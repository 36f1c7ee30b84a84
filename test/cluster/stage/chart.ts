import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import type { Json } from '../api.ts'
import { helmBinary } from '../helm/helm.ts'
import { image, systemNamespace } from './names.ts'

const run = promisify(execFile)
const chart = join(import.meta.dirname, '../../../deploy/helm/outrigger')
const kinds = ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']

/** What the chart lets webhook and controller do: their accounts, and roles that are bound to them. */
export async function chartRoles(touch: 'pods' | 'nothing'): Promise<readonly Json[]> {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-chart-'))
  const [repository, digest] = image.split('@')
  const values = { image: { repository, digest }, providers: { openai: {} }, controller: { touch } }
  try {
    const file = join(directory, 'values.json')
    await writeFile(file, JSON.stringify(values))
    const args = ['template', 'outrigger', chart, `--namespace=${systemNamespace}`, '-f', file]
    const own = { ...process.env, HELM_CACHE_HOME: directory, HELM_CONFIG_HOME: directory }
    const { stdout } = await run(await helmBinary(), [...args, '--kube-version=1.36.0'], {
      env: own,
      timeout: 60_000,
      maxBuffer: 16 * 2 ** 20,
    })
    return parseAllDocuments(stdout)
      .map((document): unknown => document.toJS())
      .filter(isRole)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function isRole(object: unknown): object is Json {
  if (typeof object !== 'object' || object === null) return false
  const kind: unknown = Reflect.get(object, 'kind')
  const name: unknown = Reflect.get(Reflect.get(object, 'metadata') ?? {}, 'name')
  return (
    typeof kind === 'string' &&
    kinds.includes(kind) &&
    (name === 'outrigger-webhook' || name === 'outrigger-controller')
  )
}
