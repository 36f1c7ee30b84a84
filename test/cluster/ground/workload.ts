import type { Json } from '../api.ts'

/** A Deployment of `app` whose pods have this spec, with a Service of the same name before it. */
export function deployment(name: string, replicas: number, spec: Json): Json {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}

export function service(name: string, port: number, targetPort: number): Json {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port, targetPort }] },
  }
}
