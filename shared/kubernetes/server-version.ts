import type { KubernetesApi } from './kubernetes-api.ts'
import { isJsonObject, parsedJson } from './kubernetes-object.ts'

/** What the API server calls itself: `v1.36.3`. Rejects with `KubernetesError`. */
export async function serverVersion(api: Pick<KubernetesApi, 'text'>): Promise<string | undefined> {
  const said = parsedJson(await api.text('/version'))
  const name = isJsonObject(said) ? said['gitVersion'] : undefined
  return typeof name === 'string' ? name : undefined
}
