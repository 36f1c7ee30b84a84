import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

/** What commands ask of an API server. */
export type ClusterApi = Pick<KubernetesApi, 'get' | 'list' | 'text' | 'create' | 'patch'>

/** A cluster as the user reaches it. */
export interface Cluster {
  readonly api: ClusterApi
  /** Of the context: where nothing else is said. */
  readonly namespace: string
  /** Where Outrigger's own parts are. */
  readonly systemNamespace: string
  close(): void
}

/** Pods of one namespace, or of all. */
export function podsPath(namespace?: string): string {
  return namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`
}

/** A page that a pod serves on `port`, through the API server's proxy. */
export function proxyPath(pod: KubernetesObject, port: number, page: string): string {
  const { namespace = '', name = '' } = pod.metadata
  return `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${page}`
}

/** The same answers to the same questions: commands look at one moment, and ask once. */
export function remembering(api: ClusterApi): ClusterApi {
  return {
    get: once((...asked) => api.get(...asked)),
    text: once((...asked) => api.text(...asked)),
    list: once((...asked) => api.list(...asked)),
    create: (path, body, query) => api.create(path, body, query),
    patch: (path, body, options) => api.patch(path, body, options),
  }
}

/** As `ask`; the second time with the same arguments, what it gave the first time. */
function once<Asked extends readonly unknown[], Answer>(
  ask: (...asked: Asked) => Promise<Answer>,
): (...asked: Asked) => Promise<Answer> {
  const answers = new Map<string, Promise<Answer>>()
  return (...asked) => {
    const key = JSON.stringify(asked)
    const answer = answers.get(key) ?? ask(...asked)
    answers.set(key, answer)
    return answer
  }
}
