import { type Built, buildGoProgram } from '../go-program.ts'

const program = {
  name: 'helm',
  version: 'v4.2.4',
  directory: import.meta.dirname,
  package: 'helm.sh/helm/v4/cmd/helm',
  sources: [],
  linked: ['helm.sh/helm/v4/internal/version.version=v4.2.4'],
}

/** Builds Helm, or finds it built: minutes with cold caches. */
export function buildHelm(): Promise<Built> {
  return buildGoProgram(program)
}

/** Path of a Helm that runs; rejects where it is not built and cannot be. */
export async function helmBinary(): Promise<string> {
  const built = await buildHelm()
  if (built.kind === 'absent') throw new Error(`Cannot have helm: ${built.reason}`)
  return built.path
}
