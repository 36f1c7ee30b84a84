import { stringify } from 'yaml'
import { type Projection, project } from '#deploy/controller/project.ts'

/** A platform's configuration as an object. */
export type PlatformConfig = ReturnType<typeof platformConfig>

/** Of the one provider at `url`, for the pods of `namespace`. */
export function platformConfig(namespace: string, url: string) {
  const pool = { kind: 'vllm', replicas: { addresses: [url] }, retry: { attempts: 1 } }
  return {
    models: { tiny: { targets: [{ provider: 'pool', model: 'tiny' }] } },
    ambassador: { identity: { kind: 'kubernetes' }, drain: { delay: 0, grace: '5s' } },
    tenants: { search: { workloads: [{ namespace }] } },
    providers: { pool },
  }
}

/** What the controller makes of it for sidecars, whose ambassador is at `host`, with one key chosen. */
export function projectionOf(config: PlatformConfig, host: string, deadline: string): Projection {
  const pool = { ...config.providers.pool, address: [`${host}:4100`] }
  const whole = { ...config, providers: { pool }, sidecar: { deadline } }
  const projected = project(stringify(whole), { transport: 'plain' })
  if (!projected.ok) throw new Error(JSON.stringify(projected.problems))
  return projected.projection
}
