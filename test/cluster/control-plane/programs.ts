import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { type Absent, buildGoProgram } from '../go-program.ts'

export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const
export type ComponentName = (typeof componentNames)[number]

/** Where each component's program is; a component that has none is not run. */
export interface Programs {
  readonly kind: 'programs'
  readonly paths: ReadonlyMap<ComponentName, string>
}

const version = '1.36.3'
const [major, minor] = version.split('.')
const variables = 'k8s.io/component-base/version'

/** What every program of Kubernetes is built as. */
export const kubernetes = {
  version: `v${version}`,
  linked: [
    `${variables}.gitVersion=v${version}`,
    `${variables}.gitMajor=${major}`,
    `${variables}.gitMinor=${minor}`,
  ],
}

const program = {
  ...kubernetes,
  name: 'kubernetes',
  directory: join(import.meta.dirname, 'go'),
  package: '.',
  sources: ['main.go'],
}

/**
 * The programs of `KUBEBUILDER_ASSETS` where that is set (a directory with at least etcd and
 * kube-apiserver), otherwise one program with four names, built once and kept.
 */
export async function controlPlanePrograms(): Promise<Programs | Absent> {
  const assets = process.env['KUBEBUILDER_ASSETS']
  if (assets !== undefined && assets !== '') return programsOf(assets)
  const built = await buildGoProgram(program)
  if (built.kind === 'absent') return built
  return { kind: 'programs', paths: new Map(componentNames.map((name) => [name, built.path])) }
}

function programsOf(assets: string): Programs | Absent {
  const paths = new Map<ComponentName, string>()
  for (const name of componentNames) {
    const path = join(assets, name)
    if (isExecutable(path)) paths.set(name, path)
  }
  const missing = componentNames.slice(0, 2).filter((name) => !paths.has(name))
  if (missing.length > 0) {
    return { kind: 'absent', reason: `KUBEBUILDER_ASSETS has no ${missing.join(', no ')}` }
  }
  return { kind: 'programs', paths }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there or not a program: the same to a caller, who names what is missing.
    return false
  }
}
